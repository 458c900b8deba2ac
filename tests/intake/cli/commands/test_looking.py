"""`willcall orders`, `willcall requests`, `willcall tickets` and `willcall reconcile`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from tests.factories import load, make_event, make_request, run, send_events
from tests.intake.cli.conftest import Willcall


def _order(engine: Engine, **changes: Any) -> UUID:
    outcome = run(engine, make_request(**changes))[0]
    assert outcome.order_id is not None
    return outcome.order_id


def _buyer(email: str) -> Mapping[str, str]:
    return {"first_name": "Ben", "last_name": "Example", "email": email}


def test_orders_are_listed_newest_first_and_page_by_page(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    ids = [str(_order(engine)) for _ in range(3)]

    first = willcall("orders", "list", "--limit", 2, "--json").json
    second = willcall("orders", "list", "--limit", 2, "--cursor", first["next_cursor"], "--json").json

    assert [order["id"] for order in first["items"]] == [ids[2], ids[1]]
    assert [order["id"] for order in second["items"]] == [ids[0]]
    assert second["next_cursor"] is None


def test_orders_are_found_by_buyer_tenant_event_status_and_time(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    _order(engine)
    wanted = str(_order(engine, buyer=_buyer("ben@example.com")))

    found = willcall(
        "orders", "list", "--tenant", "demo", "--event", "concert", "--email", "ben@example.com",
        "--status", "placed", "--updated-since", "2020-01-01T00:00:00Z", "--json",
    )  # fmt: skip

    assert [order["id"] for order in found.json["items"]] == [wanted]
    assert willcall("orders", "list", "--tenant", "other", "--json").json["items"] == []
    assert willcall("orders", "list", "--updated-since", "2999-01-01", "--json").json["items"] == []


def test_the_table_of_orders_is_for_people_and_cuts_nothing(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    id_ = _order(engine, buyer=_buyer("a-rather-long-name-of-somebody@mail.example.com"), quantity=2)

    ran = willcall("orders", "list")

    assert ran.out.splitlines()[0].split()[:3] == ["number", "code", "id"]
    assert str(id_) in ran.out
    assert "a-rather-long-name-of-somebody@mail.example.com" in ran.out
    assert "91.00 USD" in ran.out


def test_an_order_is_shown_by_id_number_and_code(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    id_ = _order(engine, quantity=2)

    by_id = willcall("orders", "show", id_, "--json").json
    by_number = willcall("orders", "show", by_id["number"], "--json").json
    by_code = willcall("orders", "show", by_id["code"].lower(), "--json").json

    assert by_id == by_number == by_code
    assert by_id["totals"]["total"] == "91.00"
    shown = willcall("orders", "show", id_).out
    assert by_id["tickets"][1]["code"] in shown
    assert "ada@example.com" in shown


@pytest.mark.parametrize("name", [str(UUID(int=7)), "999999999", "1099511627777", "NOSUCHCO", "é"])
def test_an_order_that_is_not_there_is_a_sentence(willcall: Willcall, engine: Engine, name: str) -> None:
    ran = willcall("orders", "show", name)

    assert (ran.code, ran.err) == (1, f"willcall: there is no order {name}\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tenant", "nobody"], "there is no tenant nobody"),
        (["--cursor", "§"], "the cursor is not one that a page gave"),
        (["--updated-since", "yesterday"], "yesterday is not a time"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_sentence(
    willcall: Willcall, engine: Engine, words: list[str], sentence: str
) -> None:
    ran = willcall("orders", "list", *words)

    assert ran.code == 1
    assert ran.err.startswith(f"willcall: {sentence}")
    assert ran.err.count("\n") == 1


def test_requests_are_shown_as_pending_processed_rejected_or_dead(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    good, bad, lost = make_request(), make_request(ticket_class="none"), make_request(tenant="nobody")
    run(engine, good, bad, lost)

    shown = [
        willcall("requests", "show", id_, "--json").json
        for id_ in (good.request_id, bad.request_id, lost.request_id, uuid4())
    ]

    assert [one["status"] for one in shown] == ["processed", "rejected", "dead", "pending"]
    assert shown[0]["order_id"] is not None
    assert shown[1]["errors"][0]["code"] == "unknown_ticket_class"
    assert shown[2]["errors"][0]["message"] == "there is no tenant nobody"
    assert "line_items.0.ticket_class_id" in willcall("requests", "show", bad.request_id).out


def test_what_is_no_request_id_is_a_sentence(willcall: Willcall) -> None:
    ran = willcall("requests", "show", "12")

    assert (ran.code, ran.err) == (1, "willcall: 12 is not the id of a request: use a UUID\n")


def _code(willcall: Willcall, order_id: UUID) -> str:
    code: str = willcall("orders", "show", order_id, "--json").json["tickets"][0]["code"]
    return code


def test_a_ticket_is_verified_with_and_without_the_database(
    willcall: Willcall, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine)
    code = _code(willcall, _order(engine))
    keys = tmp_path / "keys.json"
    keys.write_text(willcall("tickets", "public-keys").out)

    online = willcall("tickets", "verify", code, "--json")
    monkeypatch.setenv("WILLCALL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    offline = willcall("tickets", "verify", code, "--keys", keys, "--json")

    assert (online.code, online.json["result"], online.json["status"]) == (0, "valid", "valid")
    assert (offline.code, offline.json["result"], offline.json["status"]) == (0, "valid", None)
    assert offline.json["ticket_id"] == online.json["ticket_id"]


def test_a_code_from_before_a_new_date_is_valid_and_shows_the_new_date(
    willcall: Willcall, engine: Engine
) -> None:
    load(engine)
    code = _code(willcall, _order(engine))
    load(
        engine,
        make_event(starts_at="2027-05-01T20:00:00+02:00", ends_at="2027-05-01T23:00:00+02:00"),
    )

    ran = willcall("tickets", "verify", code, "--json")

    assert (ran.code, ran.json["result"]) == (0, "valid")
    assert ran.json["event_starts_at"] == "2027-05-01T18:00:00Z"
    assert ran.json["event_ends_at"] == "2027-05-01T21:00:00Z"


def test_a_forged_code_and_one_of_an_unknown_key_are_told_apart(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    load(engine)
    code = _code(willcall, _order(engine))
    no_keys = tmp_path / "keys.json"
    no_keys.write_text('{"keys": []}')
    changed = code[:40] + ("A" if code[40] != "A" else "B") + code[41:]

    forged = willcall("tickets", "verify", changed, "--json")
    nonsense = willcall("tickets", "verify", "hello", "--json")
    unknown = willcall("tickets", "verify", code, "--keys", no_keys, "--json")

    assert (forged.code, forged.json["result"]) == (1, "forged")
    assert (nonsense.code, nonsense.json["result"]) == (1, "forged")
    assert (unknown.code, unknown.json["result"]) == (1, "unknown_key")


def test_a_voided_ticket_is_told_although_its_signature_is_good(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    code = _code(willcall, _order(engine))
    with engine.begin() as connection:
        connection.execute(text("UPDATE tickets SET status = 'voided'"))

    ran = willcall("tickets", "verify", code, "--json")

    assert (ran.code, ran.json["result"]) == (1, "voided")


def test_codes_of_an_older_key_stay_valid(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    before = _code(willcall, _order(engine))

    rotated = willcall("tickets", "rotate-key", "--tenant", "demo", "--json").json
    after = _code(willcall, _order(engine))

    first, second = (willcall("tickets", "verify", code, "--json").json for code in (before, after))
    assert (first["result"], second["result"]) == ("valid", "valid")
    assert first["key_id"] != second["key_id"] == rotated["key_id"]


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{"kid": "x", "x": ""}]}', '{"keys": 1}'])
def test_a_file_of_other_keys_is_a_sentence(willcall: Willcall, tmp_path: Path, content: str) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(content)

    ran = willcall("tickets", "verify", "hello", "--keys", keys)

    assert ran.code == 1
    assert ran.err == f"willcall: {keys} is not the output of `willcall tickets public-keys`\n"


def test_public_keys_are_a_jwk_set(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    (key,) = willcall("tickets", "public-keys").json["keys"]

    assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43)


def test_reconciling_finds_nothing_in_good_data(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    _order(engine)
    with engine.begin() as connection:
        send_events(connection)

    people, programs = willcall("reconcile"), willcall("reconcile", "--json")

    assert (people.code, programs.code, programs.json) == (0, 0, [])
    assert people.out.startswith("No discrepancies")


def test_reconciling_prints_a_discrepancy_and_exits_with_1(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    id_ = _order(engine)
    with engine.begin() as connection:
        send_events(connection)
        connection.execute(text("UPDATE ticket_classes SET sold = sold + 1"))

    people, programs = willcall("reconcile"), willcall("reconcile", "--json")

    assert (people.code, programs.code) == (1, 1)
    assert "sold is 2, there are 1 tickets" in people.out
    assert json.loads(programs.out)[0]["rule"] == "sold_differs_from_tickets"
    assert str(id_) not in programs.out
