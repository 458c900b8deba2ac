"""OAuth 2 client credentials: how a client of EventBookings gets in, and how it does not."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from intake.auth.keys import Caller, revoke_key
from intake.dialects.eventbookings.tokens import TOKEN_SCOPES, make_token, read_token
from tests.contract.eventbookings.client import Client, connect, credentials
from tests.intakes import Intake

EVENT = "free-event"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CALLER = Caller(UUID(int=1), UUID(int=2), "demo", frozenset({"orders.read"}), token_secret=b"secret")


def ask(caller: httpx.Client, **words: str | None) -> httpx.Response:
    return caller.post(
        "/connect/token", json={name: value for name, value in words.items() if value is not None}
    )


def test_json_and_form_give_a_token(caller: httpx.Client, intake: Intake, key: str) -> None:
    words = credentials(intake, key)
    for answer in (caller.post("/connect/token", json=words), caller.post("/connect/token", data=words)):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
        assert body["scope"] == "event.list_order order.read"
        client = Client(caller, key, body["access_token"])
        assert client.get(f"/events/{EVENT}/orders").status_code == 200


def test_http_basic_gives_a_token(caller: httpx.Client, intake: Intake, key: str) -> None:
    words = credentials(intake, key)
    basic = httpx.BasicAuth(words["client_id"], words["client_secret"])
    answer = caller.post("/connect/token", data={"grant_type": "client_credentials"}, auth=basic)
    assert answer.status_code == 200

    both = caller.post("/connect/token", data=words, auth=basic)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


def test_a_wrong_secret_is_no_client(caller: httpx.Client, intake: Intake, key: str) -> None:
    words = credentials(intake, key)
    other = intake.new_key("orders.read", tenant="box-office")
    for wrong in ("wc_" + "x" * 43, "", "é", other):
        answer = ask(caller, **{**words, "client_secret": wrong})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert answer.headers["cache-control"] == "no-store"
    answer = caller.post(
        "/connect/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": "Basic " + base64.b64encode(b"a:b").decode()},
    )
    assert answer.json()["error"] == "invalid_client"


def test_what_is_no_such_request_is_refused(caller: httpx.Client, intake: Intake, key: str) -> None:
    words: dict[str, str | None] = {**credentials(intake, key)}

    assert ask(caller, **{**words, "grant_type": None}).json()["error"] == "invalid_request"
    assert ask(caller, **{**words, "grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    assert ask(caller, **{**words, "scope": "orders.write"}).json()["error"] == "invalid_scope"
    for content, media_type in ((b"[]", "application/json"), (b"{", "application/json")):
        answer = caller.post("/connect/token", content=content, headers={"content-type": media_type})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    twice = caller.post(
        "/connect/token",
        content=b"grant_type=client_credentials&grant_type=client_credentials",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert twice.json()["error"] == "invalid_request"
    assert caller.post("/connect/token", content=b"x").json()["error"] == "invalid_request"


def test_a_token_opens_only_what_it_was_given_for(caller: httpx.Client, intake: Intake, key: str) -> None:
    token = ask(caller, **credentials(intake, key), scope="order.read").json()
    assert token["scope"] == "order.read"
    answer = Client(caller, key, token["access_token"]).get(f"/events/{EVENT}/orders")

    assert (answer.status_code, answer.json()["statusCode"]) == (403, 403)
    assert 'scope="event.list_order"' in answer.headers["www-authenticate"]


def test_a_key_that_may_not_read_gets_no_token(caller: httpx.Client, intake: Intake, key: str) -> None:
    writer = intake.new_key("orders.create", tenant="box-office")

    assert ask(caller, **credentials(intake, writer)).json()["error"] == "invalid_scope"


@pytest.mark.parametrize("kind", ["key", "nothing", "nonsense", "forged", "unknown"])
def test_only_tokens_are_taken(caller: httpx.Client, intake: Intake, key: str, kind: str) -> None:
    client = connect(caller, intake, key)
    forged = client.token[:-2] + ("AA" if not client.token.endswith("AA") else "BB")
    token = {
        "key": key,
        "nothing": "",
        "nonsense": "é",
        "forged": forged,
        "unknown": make_token(CALLER, frozenset(TOKEN_SCOPES), datetime.now(UTC)),
    }[kind]
    headers = {b"authorization": b"Bearer " + token.encode()} if token else {}
    answer = caller.get(f"/events/{EVENT}/orders", headers=headers)

    assert (answer.status_code, answer.json()["statusCode"]) == (401, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_takes_its_tokens_with_it(caller: httpx.Client, intake: Intake, key: str) -> None:
    client = connect(caller, intake, key)
    with intake.engine.begin() as connection:
        revoke_key(connection, UUID(credentials(intake, key)["client_id"]), datetime.now(UTC))

    # Nobody has shown the token yet: its key is looked up.
    assert client.get(f"/events/{EVENT}/orders").status_code == 401


def test_a_token_is_good_for_an_hour() -> None:
    token = read_token(make_token(CALLER, frozenset(TOKEN_SCOPES), NOW))

    assert token is not None
    assert token.scopes == set(TOKEN_SCOPES)
    assert token.is_good(CALLER, NOW + timedelta(seconds=3_599))
    assert not token.is_good(CALLER, NOW + timedelta(seconds=3_600))


def test_a_token_of_one_tenant_is_not_good_for_another() -> None:
    other = Caller(UUID(int=1), UUID(int=3), "other", frozenset(), token_secret=b"another")
    token = read_token(make_token(CALLER, frozenset(TOKEN_SCOPES), NOW))

    assert token is not None
    assert not token.is_good(other, NOW)
