"""`willcall secrets`, and processes whose secret key is missing or another one."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from db.sealing import Keyring
from orders.catalogue.ticket_codes import TicketKey
from tests.databases import fresh_database
from tests.factories import load, place, read, rows
from tests.intake.cli.conftest import WILLCALL, Willcall, environment
from tests.processes import PATIENCE_SECONDS, ROOT
from worker.runtime.secret_key import parse_keys

Run = Callable[..., "subprocess.CompletedProcess[str]"]

OLD, NEW = "0a" * 32, "0b" * 32
CATALOGUE = ROOT / "intake/demo/catalogue.yaml"


@pytest.fixture(scope="module")
def database(migrated: Engine) -> Iterator[Engine]:
    """Return a database of its own, whose secrets the key OLD has sealed."""
    with fresh_database(migrated, "sealed") as engine:
        _run(engine, OLD, "catalog", "load", CATALOGUE, check=True)
        _run(engine, OLD, "keys", "create", "--tenant", "demo", "--scope", "admin", check=True)
        yield engine


def _run(
    engine: Engine, key: str | None, *words: object, check: bool = False, **variables: object
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own, with this secret key."""
    url = engine.url.render_as_string(hide_password=False)
    variables = {"WILLCALL_DATABASE_URL": url, "WILLCALL_HOME": "/nonexistent", **variables}
    if key is not None:
        variables["WILLCALL_SECRET_KEY"] = key
    ran = subprocess.run(
        [WILLCALL, *map(str, words)],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert not check or ran.returncode == 0, ran.stderr
    return ran


@pytest.mark.parametrize("process", ["intake", "worker"])
@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (None, "the setting WILLCALL_SECRET_KEY is missing"),
        ("secret", "the setting WILLCALL_SECRET_KEY is wrong: must be one or more keys"),
        (NEW, "no key of WILLCALL_SECRET_KEY opens the secrets in the database"),
    ],
)
def test_without_the_right_key_a_process_says_so_and_ends(
    database: Engine, process: str, key: str | None, sentence: str
) -> None:
    ran = _run(database, key, "serve", process, WILLCALL_BROKER_URL="redis://127.0.0.1:1/0")

    assert ran.returncode == 2
    assert ran.stderr.startswith(f"willcall: {sentence}")
    assert ran.stderr.count("\n") == 1
    assert NEW not in ran.stderr


@pytest.mark.parametrize("key", [None, NEW])
def test_the_doctor_names_a_key_that_opens_nothing(database: Engine, key: str | None) -> None:
    found = _doctor(database, key)

    assert "bad secrets: " in found
    assert "WILLCALL_SECRET_KEY" in found
    assert "ok  secrets: " in _doctor(database, OLD)


def test_migrate_wants_the_key_that_will_be_needed(database: Engine) -> None:
    assert _run(database, None, "migrate").returncode == 2
    assert _run(database, OLD, "migrate").returncode == 0


def test_a_key_is_replaced_in_three_steps(migrated: Engine) -> None:
    with fresh_database(migrated, "rekeyed") as engine:
        _run(engine, OLD, "catalog", "load", CATALOGUE, check=True)
        _run(engine, OLD, "keys", "create", "--tenant", "demo", "--scope", "admin", check=True)
        before = _sealed(engine)

        counts = [
            json.loads(_run(engine, f"{NEW},{OLD}", "secrets", "rotate", "--seal-only", "--json").stdout)
            for _ in range(2)
        ]

        assert [one["resealed"] for one in counts] == [len(before), 0]
        assert not before & _sealed(engine)
        assert "ok  secrets: " in _doctor(engine, NEW)
        assert "bad secrets: " in _doctor(engine, OLD)


def test_after_a_lost_key_tickets_stay_good_and_the_system_works_again(migrated: Engine) -> None:
    with fresh_database(migrated, "lost") as engine:
        load(engine)  # with the key of this process, which is not there for the commands
        code = read(engine, place(engine))["tickets"][0]["code"]
        assert _run(engine, NEW, "secrets", "rotate").returncode == 2

        ran = _run(engine, NEW, "secrets", "rotate", "--lost-key", check=True)

        assert "Replaced, as no key decrypts them: 4 secrets." in ran.stdout
        assert "ok  secrets: " in _doctor(engine, NEW)
        assert _run(engine, NEW, "tickets", "verify", code).returncode == 0
        made = _run(engine, NEW, "keys", "create", "--tenant", "demo", "--scope", "admin")
        assert made.returncode == 0, made.stderr
        newest = rows(engine, "SELECT id, public_key, sealed_key FROM ticket_keys ORDER BY created_at DESC")[
            0
        ]
        private = Keyring(parse_keys(NEW)).open(bytes(newest[2]), "ticket_keys", newest[0])
        assert TicketKey(newest[0], private).public_key == bytes(newest[1])


def _doctor(engine: Engine, key: str | None) -> str:
    return _run(engine, key, "doctor", WILLCALL_BROKER_URL="redis://127.0.0.1:1/0").stdout


def _sealed(engine: Engine) -> set[Any]:
    query = """
        SELECT sealed FROM tenant_secrets UNION SELECT sealed_key FROM ticket_keys
        UNION SELECT sealed_secret FROM api_keys
    """
    return {bytes(sealed) for (sealed,) in rows(engine, query)}


def test_generate_prints_a_key(willcall: Willcall) -> None:
    one, other = (willcall("secrets", "generate").out.strip() for _ in range(2))

    assert one != other
    assert len(parse_keys(one)[0]) == 32


def test_rotate_gives_new_secrets_to_those_who_are_named(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    code = read(engine, place(engine))["tickets"][0]["code"]
    secrets = """
        SELECT t.name, s.purpose, s.sealed FROM tenant_secrets s JOIN tenants t ON t.id = s.tenant_id
    """
    before = {(name, purpose): bytes(sealed) for name, purpose, sealed in rows(engine, secrets)}

    ran = willcall("secrets", "rotate", "--tenant", "demo", "--json")

    after = {(name, purpose): bytes(sealed) for name, purpose, sealed in rows(engine, secrets)}
    assert ran.json == {"tenants": ["demo"], "resealed": 0, "replaced": 0}
    assert {name for name, purpose in before if before[name, purpose] != after[name, purpose]} == {"demo"}
    assert all(before[key] != after[key] for key in before if key[0] == "demo")
    assert willcall("tickets", "verify", code).code == 0
    assert read(engine, place(engine))["tickets"][0]["code"][:8] != code[:8]  # another key signs
    assert willcall("secrets", "rotate").out.startswith("Tenants with new secrets: demo, other.\n")


def test_rotate_for_nobody_is_a_sentence(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    ran = willcall("secrets", "rotate", "--tenant", "nobody")

    assert (ran.code, ran.err[:36]) == (1, "willcall: there is no tenant nobody:")
