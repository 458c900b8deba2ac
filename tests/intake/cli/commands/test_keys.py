"""`willcall keys`."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from intake.auth.scopes import SCOPES
from tests.factories import load, rows
from tests.intake.cli.conftest import Willcall

CREATE = ("keys", "create", "--tenant", "demo", "--scope", "orders.read")


def test_a_key_is_shown_once_and_only_its_hash_is_kept(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    made = willcall(
        "keys", "create", "--tenant", "demo", "--scope", "orders.create", "--scope", "admin", "--json"
    )
    listed = willcall("keys", "list", "--json")

    key = made.json["key"]
    assert key not in listed.out + willcall("keys", "list").out
    assert [one["id"] for one in listed.json] == [made.json["id"]]
    assert listed.json[0]["scopes"] == ["admin", "orders.create"]
    ((stored,),) = rows(engine, "SELECT key_hash FROM api_keys")
    assert bytes(stored) == hashlib.sha256(key.encode()).digest()


def test_a_key_for_people_stands_alone_on_the_last_line(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    ran = willcall("keys", "create", "--tenant", "demo", "--scope", "orders.read")

    assert ran.out.splitlines()[-1].startswith("wc_")


def test_a_key_comes_with_a_token_and_a_secret_under_the_vendors_names(
    willcall: Willcall, engine: Engine
) -> None:
    load(engine)
    words = ("keys", "create", "--tenant", "demo", "--scope", "orders.read")

    first, second = (willcall(*words, "--json").json for _ in range(2))
    shown = dict(line.split(": ") for line in willcall(*words).out.splitlines() if line.count(": ") == 1)

    for made in (first, second):
        assert made["token"] == UUID(made["id"]).hex
        assert len(made["secret"]) == 40
    assert first["secret"] != second["secret"]
    assert re.fullmatch("[a-zA-Z0-9]{32}", shown["token"])
    assert re.fullmatch(r"\S{40}", shown["secret"])


def test_the_help_of_create_teaches_every_scope(willcall: Willcall) -> None:
    helped = willcall("keys", "create", "--help").out

    assert all(f"{scope}: " in helped for scope in SCOPES)


def test_a_revoked_key_is_listed_as_revoked_and_cannot_be_revoked_again(
    willcall: Willcall, engine: Engine
) -> None:
    load(engine)
    id_ = willcall("keys", "create", "--tenant", "demo", "--scope", "admin", "--json").json["id"]

    first, second = willcall("keys", "revoke", id_), willcall("keys", "revoke", id_)

    assert (first.code, second.code) == (0, 1)
    assert second.err == f"willcall: there is no valid key {id_}\n"
    assert willcall("keys", "list", "--json").json[0]["revoked_at"] is not None


def test_a_key_for_nobody_or_nothing_is_a_sentence(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    nobody = willcall("keys", "create", "--tenant", "nobody", "--scope", "admin")
    nothing = willcall("keys", "create", "--tenant", "demo", "--scope", "everything")

    assert (nobody.code, nobody.err) == (1, "willcall: there is no tenant nobody\n")
    assert nothing.code == 1
    assert nothing.err.startswith("willcall: everything is not a scope; the scopes are orders.create, ")


@pytest.mark.parametrize(
    ("given", "seconds"), [("90d", 90 * 86_400), ("12h", 43_200), ("30m", 1_800), ("2w", 14 * 86_400)]
)
def test_a_key_expires_after_a_while(willcall: Willcall, engine: Engine, given: str, seconds: int) -> None:
    load(engine)
    before = datetime.now(UTC)
    made = willcall(*CREATE, "--expires", given, "--json").json
    after = datetime.now(UTC)

    expires_at = datetime.fromisoformat(made["expires_at"])
    assert before <= expires_at - timedelta(seconds=seconds) <= after
    [listed] = willcall("keys", "list", "--json").json
    assert datetime.fromisoformat(listed["expires_at"]) == expires_at
    assert listed["last_used_at"] is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2099-01-31", "2099-01-31T00:00:00+00:00"),
        ("2099-01-31T12:00:00+01:00", "2099-01-31T11:00:00+00:00"),
        ("2099-01-31T12:00:00Z", "2099-01-31T12:00:00+00:00"),
    ],
)
def test_a_key_expires_at_a_moment(willcall: Willcall, engine: Engine, given: str, expected: str) -> None:
    load(engine)

    shown = willcall(*CREATE, "--expires", given).out

    assert f"valid until {expected}" in shown
    assert expected in willcall("keys", "list").out


@pytest.mark.parametrize(
    "given", ["", "0d", "-1d", "90", "d", "90 days", "1y", "tomorrow", "2020-01-01", "2099-02-30", "9999999d"]
)
def test_a_key_that_could_not_expire_is_not_made(willcall: Willcall, engine: Engine, given: str) -> None:
    load(engine)

    ran = willcall(*CREATE, "--expires", given)

    assert ran.code == 1
    assert "expir" in ran.err
    assert rows(engine, "SELECT 1 FROM api_keys") == []
