"""Links to passes and QR codes need no key: a tenant's, opened by many at once, keep nobody else waiting."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from tests.factories import make_request, place, run, scalar
from tests.intakes import Intake, running_intake
from tests.processes import PATIENCE_SECONDS, wait_until

_CROWD = 120
"""Calls of one tenant at the same moment: more than may wait."""


@pytest.fixture
def intake(home: Path, engine: Engine) -> Iterator[Intake]:
    with running_intake(home) as intake:
        yield intake


@contextmanager
def _locked(engine: Engine, *tables: str) -> Iterator[None]:
    """Let nobody read these tables, until the block ends."""
    with engine.begin() as connection:
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"))
        yield


def _links(intake: Intake, tenant: str, order_id: Any) -> list[dict[str, str]]:
    with intake.client(tenant=tenant) as client:
        answer = client.get(f"/v1/orders/{order_id}/documents").raise_for_status()
    return list(answer.json()["tickets"])


def _waiting(engine: Engine) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return int(scalar(engine, query))


def _get(link: str) -> httpx.Response:
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        return client.get(link)


def test_a_crowd_on_a_tenants_links_leaves_others_theirs(intake: Intake, engine: Engine) -> None:
    (crowded,) = _links(intake, "demo", place(engine))
    (others,) = run(engine, make_request(tenant="other"))
    (mine,) = _links(intake, "other", others.order_id)
    refused: list[httpx.Response] = []
    statuses: set[int] = set()
    is_over = threading.Event()

    def crowd(_: int) -> None:
        with httpx.Client(timeout=PATIENCE_SECONDS) as client:
            while not is_over.is_set():
                answer = client.get(crowded["digital_pass"])
                statuses.add(answer.status_code)
                if answer.status_code == 429:
                    refused.append(answer)
                    is_over.wait(0.5)

    with ThreadPoolExecutor(_CROWD) as threads:
        # A pass waits for it, and a picture does not.
        with _locked(engine, "events"):
            answers = threads.map(crowd, range(_CROWD))
            try:
                wait_until(lambda: bool(refused), what="refusals")
                assert _waiting(engine) <= 2, "the tenant has more than its share"
                assert [_get(mine[kind]).status_code for kind in ("png", "svg")] == [200, 200]
            finally:
                is_over.set()
        list(answers)

    assert statuses <= {200, 429, 503}, "503: it has waited for the lock for a second"
    assert int(refused[0].headers["retry-after"]) > 0
    assert refused[0].json()["detail"].endswith("of this tenant are under way; try again later")
    assert _get(crowded["digital_pass"]).status_code == 200


def test_a_pass_costs_what_its_ticket_costs(intake: Intake, engine: Engine) -> None:
    tickets = _links(intake, "demo", place(engine, quantity=1_000))

    with _locked(engine, "order_lines", "payments", "notes", "order_changes"):
        answer = _get(tickets[500]["digital_pass"])

    assert answer.status_code == 200
    assert tickets[500]["id"] in answer.text
