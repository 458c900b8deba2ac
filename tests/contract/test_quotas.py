"""Who asks for too much is told so in the words of the dialect, on every route, and when to come back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from schemas.catalogue import Catalogue
from tests.contract.scoped_calls import KEYED, Key, Needs, create, filled
from tests.intakes import Intake, running_intake
from tests.processes import PATIENCE_SECONDS, wait_until

WRITES = [keyed for keyed in KEYED if keyed[0] != "GET"]
READS = [keyed for keyed in KEYED if keyed[0] == "GET"]


def _shape(dialect: str, words: dict[str, Any]) -> bool:
    """Say whether the words are the dialect's for too many requests."""
    if dialect == "zoho":
        return (words["code"], words["status"], words["details"]) == ("TOO_MANY_REQUESTS", "error", [])
    if dialect == "acme":
        return (words["status"], words["error"]) == (429, "Too Many Requests")
    if dialect == "ticket_evolution":
        return set(words) == {"error"}
    if dialect == "eventbookings":
        return words["statusCode"] == 429 and set(words["result"]) == {"message", "errors"}
    return (words["type"], words["status"], words["title"]) == ("about:blank", 429, "Too Many Requests")


def _check(answer: httpx.Response, dialect: str, setting: str) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["retry-after"].isdigit()
    assert int(answer.headers["retry-after"]) >= 1
    is_problem = answer.headers["content-type"] == "application/problem+json"
    assert is_problem == (dialect == "canonical")
    assert _shape(dialect, answer.json()), answer.text
    assert setting in answer.text


MakeKey = Callable[[], Key]


def _keys(limited: Intake) -> Iterator[MakeKey]:
    with httpx.Client(base_url=limited.url, timeout=PATIENCE_SECONDS) as http:

        def make() -> Key:
            with limited.engine.begin() as connection:
                made = create_key(connection, "box-office", SCOPES[:-1], datetime.now(UTC))
            return Key(http, made.key, str(made.id), made.secret)

        yield make


def _running(shared: Intake, home: Path, **changes: Any) -> Any:
    """Run an intake on the database with the samples' tenants, its queue its own."""
    url = shared.settings.database()
    return running_intake(home, database_url=url, global_keyprefix=f"{uuid4()}-", **changes)


@pytest.fixture(scope="module")
def full(shared_intake: Intake, catalogue: Catalogue, home: Path) -> Iterator[Intake]:
    """Return an intake where the samples' tenant has as much in the queue as it may."""
    with _running(shared_intake, home, max_queued_per_tenant=3, publish_timeout_seconds=60) as intake:
        wait_until(
            lambda: bool(intake.server.app.state.parts.quotas.is_watching), what="an intake that knows"
        )
        for make in _keys(intake):
            key = make()
            answers = [key.call("canonical", *create("canonical")) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        yield intake
        # What was refused is in no queue, whatever it was and in whose words.
        assert len(intake.take_requests()) == 3


@pytest.mark.parametrize(("method", "path", "needs"), WRITES)
def test_every_route_that_writes_refuses_in_its_own_words(
    full: Intake, method: str, path: str, needs: Needs
) -> None:
    for make in _keys(full):
        answer = make().call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")
        _check(answer, needs.dialect, "WILLCALL_MAX_QUEUED_PER_TENANT")


@pytest.fixture(scope="module")
def slow(shared_intake: Intake, catalogue: Catalogue, home: Path) -> Iterator[Intake]:
    """Return an intake that takes one request a second of each key."""
    with _running(shared_intake, home, key_requests_per_second=1) as intake:
        yield intake


@pytest.mark.parametrize(("method", "path", "needs"), KEYED)
def test_every_route_counts_its_calls_and_refuses_in_its_own_words(
    slow: Intake, method: str, path: str, needs: Needs
) -> None:
    for make in _keys(slow):
        key = make()
        answer = key.call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")
        while answer.status_code != 429:  # the second call may come a second later
            answer = key.call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")
        _check(answer, needs.dialect, "WILLCALL_KEY_REQUESTS_PER_SECOND")


def test_access_tokens_count_and_are_refused_as_oauth_says(slow: Intake) -> None:
    for make in _keys(slow):
        key = make()
        grant = {"grant_type": "client_credentials", "client_id": key.id, "client_secret": key.key}
        answer = key.http.post("/connect/token", data=grant)
        while answer.status_code != 429:
            answer = key.http.post("/connect/token", data=grant)
        assert answer.json()["error"] == "temporarily_unavailable"
        assert int(answer.headers["retry-after"]) >= 1


def test_who_only_knows_the_id_of_a_key_uses_up_nothing_of_it(slow: Intake) -> None:
    for make in _keys(slow):
        key = make()
        headers = {"x-token": key.id.replace("-", ""), "x-signature": "wrong"}
        for _ in range(5):
            assert key.http.get("/v9/orders", headers=headers).status_code == 401
        assert key.call("ticket_evolution", "GET", "/v9/orders").status_code == 200


def test_several_orders_of_one_call_in_a_dialect_count_each(slow: Intake) -> None:
    for make in _keys(slow):
        answer = make().call("ticket_evolution", *create("ticket_evolution"))  # two orders
        assert (answer.status_code, "1 request" in answer.text) == (413, True)


def test_reads_are_not_refused_for_what_waits_in_the_queue(full: Intake) -> None:
    for make in _keys(full):
        key = make()
        for method, path, needs in READS:
            answer = key.call(needs.dialect, method, needs.path or filled(path))
            assert answer.status_code in (200, 404), answer.text
