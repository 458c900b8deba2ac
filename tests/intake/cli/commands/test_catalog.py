"""`willcall catalog` and `willcall migrate`."""

import json
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine, text

from tests.factories import make_event, make_request, make_ticket_class, run, scalar
from tests.intake.cli.conftest import Willcall
from worker.runtime import embedded


def _file(folder: Path, name: str = "catalogue.yaml", **changes: object) -> Path:
    words = {"tenant": "demo", "events": [make_event()]} | changes
    file = folder / name
    file.write_text(json.dumps(words) if name.endswith(".json") else yaml.safe_dump(words))
    return file


@pytest.mark.parametrize("name", ["catalogue.yaml", "catalogue.json"])
def test_loading_a_catalogue_twice_changes_nothing(
    willcall: Willcall, engine: Engine, tmp_path: Path, name: str
) -> None:
    file = _file(tmp_path, name)

    first, second = willcall("catalog", "load", file, "--json"), willcall("catalog", "load", file, "--json")

    assert (first.code, second.code) == (0, 0)
    assert first.json == [{"file": str(file), "tenant": "demo", "created": 3, "updated": 0, "unchanged": 0}]
    assert second.json == [{"file": str(file), "tenant": "demo", "created": 0, "updated": 0, "unchanged": 3}]


def test_a_changed_price_is_told_as_updated(willcall: Willcall, engine: Engine, tmp_path: Path) -> None:
    willcall("catalog", "load", _file(tmp_path))
    dearer = _file(tmp_path, events=[make_event(ticket_classes=[make_ticket_class(price="50.00")])])

    ran = willcall("catalog", "load", dearer)

    assert ran.code == 0
    assert ran.out.split()[-5:] == [str(dearer), "demo", "0", "1", "2"]


def test_a_catalogue_comes_from_standard_input(willcall: Willcall, engine: Engine, tmp_path: Path) -> None:
    ran = willcall("catalog", "load", "-", "--json", stdin=_file(tmp_path).read_bytes())

    assert ran.json[0]["created"] == 3


def test_mistakes_of_a_catalogue_are_named_by_their_fields(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    bad = make_event(ticket_classes=[make_ticket_class(price=45.5)], timezone="Mars/Base")

    ran = willcall("catalog", "load", _file(tmp_path, events=[bad]))

    assert ran.code == 1
    assert ran.out == ""
    assert "events.0.timezone: " in ran.err
    assert "events.0.ticket_classes.0.price: an amount must be a decimal string" in ran.err
    assert scalar(engine, "SELECT count(*) FROM tenants") == 0


def test_of_several_files_none_is_loaded_if_one_is_wrong(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    good, bad = _file(tmp_path), _file(tmp_path, "bad.yaml", events="none")

    ran = willcall("catalog", "load", good, bad)

    assert ran.code == 1
    assert scalar(engine, "SELECT count(*) FROM tenants") == 0


def test_a_capacity_below_what_is_sold_is_refused(willcall: Willcall, engine: Engine, tmp_path: Path) -> None:
    willcall("catalog", "load", _file(tmp_path))
    run(engine, make_request(quantity=5))
    small = _file(tmp_path, events=[make_event(ticket_classes=[make_ticket_class(capacity=4)])])

    ran = willcall("catalog", "load", small)

    assert ran.code == 1
    assert "standing cannot have a capacity of 4: 5 are sold or held" in ran.err


def test_of_several_files_none_is_loaded_if_one_contradicts_what_is_sold(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    willcall("catalog", "load", _file(tmp_path))
    run(engine, make_request(quantity=5))
    good = _file(tmp_path, "good.yaml", events=[make_event(name="Renamed")])
    classes = [make_ticket_class(capacity=4), make_ticket_class("new")]
    bad = _file(tmp_path, "bad.yaml", events=[make_event(currency="EUR", ticket_classes=classes)])

    ran = willcall("catalog", "load", good, bad)

    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"willcall: {bad}: event concert is sold in USD: its currency cannot change to EUR",
        f"  {bad}: ticket class standing cannot have a capacity of 4: 5 are sold or held",
    ]
    assert scalar(engine, "SELECT name FROM events") == "Concert"
    assert scalar(engine, "SELECT count(*) FROM ticket_classes") == 1


def test_a_load_that_ends_half_way_says_what_stays(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    willcall("catalog", "load", _file(tmp_path))
    with engine.begin() as connection:
        connection.execute(
            text("""
                CREATE FUNCTION sell_meanwhile() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN UPDATE ticket_classes SET sold = 5; RETURN NEW; END $$;
                CREATE TRIGGER sell_meanwhile AFTER UPDATE ON events EXECUTE FUNCTION sell_meanwhile();
            """)
        )
    smaller = make_event(name="Renamed", ticket_classes=[make_ticket_class(capacity=4)])
    try:
        ran = willcall("catalog", "load", _file(tmp_path, events=[smaller]))
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION sell_meanwhile CASCADE"))

    assert ran.code == 1
    assert "standing cannot have a capacity of 4: 5 are sold or held" in ran.err
    assert ran.err.splitlines()[-1] == (
        "  Already loaded: 0 new and 1 changed of 3 objects. Load the file again to continue."
    )
    assert scalar(engine, "SELECT name FROM events") == "Renamed"


@pytest.mark.parametrize("content", [b"tenant: [", b"\xff\xfe\x00", b"{"])
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(
    willcall: Willcall, engine: Engine, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)

    ran = willcall("catalog", "load", file)

    assert ran.code == 1
    assert ran.err.startswith(f"willcall: {file} cannot be read: ")
    assert ran.err.count("\n") == 1


def test_a_file_that_is_not_there_is_told_in_a_sentence(willcall: Willcall, tmp_path: Path) -> None:
    ran = willcall("catalog", "load", tmp_path / "none.yaml")

    assert (ran.code, ran.err) == (1, f"willcall: {tmp_path / 'none.yaml'}: No such file or directory\n")


@pytest.fixture
def empty_database(home: Path, migrated: Engine, monkeypatch: pytest.MonkeyPatch, willcall: Willcall) -> str:
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS fresh WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE fresh"))
    url = embedded.database_url(home).replace("@/willcall?", "@/fresh?")
    monkeypatch.setenv("WILLCALL_DATABASE_URL", url)
    return url


def test_migrating_builds_the_schema_and_then_does_nothing(willcall: Willcall, empty_database: str) -> None:
    before = willcall("orders", "list")
    first, second = willcall("migrate"), willcall("migrate", "--json")
    after = willcall("orders", "list")

    assert before.code == 1
    assert before.err == (
        "willcall: the database schema is older than this version: run `willcall migrate`\n"
    )
    assert first.code == 0
    assert "(before: none)" in first.out
    assert second.json["before"] == second.json["after"] is not None
    assert after.code == 0
