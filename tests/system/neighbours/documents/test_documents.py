"""A tenant asks for fifty PDFs of a thousand tickets: nobody else waits, neither for orders nor for PDFs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import httpx
import pypdfium2
import pytest
from sqlalchemy import Engine

from tests.factories import make_body, make_request, run, scalar
from tests.intakes import Intake, running_intake
from tests.makers import patient_get, running_maker
from tests.processes import PATIENCE_SECONDS, Process
from tests.system.neighbours.calls.edge import Edge, running_edge

LARGE = 50
TICKETS = 1000
CALLS = 150
LONGEST_SECONDS = 2.5
"""What 99 of 100 calls take at most: half a second, on a machine five times as slow."""


@pytest.fixture
def intake(home: Path, engine: Engine) -> Iterator[Intake]:
    with running_intake(home) as intake:
        yield intake


@pytest.fixture
def edge(intake: Intake) -> Iterator[Edge]:
    with running_edge(intake) as edge:
        yield edge


@pytest.fixture
def maker(intake: Intake, tmp_path: Path) -> Iterator[Process]:
    with running_maker(intake.settings, tmp_path / "maker") as process:
        yield process


def _orders(engine: Engine, count: int, *, tenant: str, tickets: int) -> list[UUID]:
    outcomes = [
        run(engine, make_request(tenant=tenant, quantity=tickets, payments=[]))[0] for _ in range(count)
    ]
    return [outcome.order_id for outcome in outcomes if outcome.order_id is not None]


def _links(intake: Intake, url: str, tenant: str, orders: list[UUID]) -> list[str]:
    """Return the links to the orders' PDFs, at another intake."""
    with intake.client(tenant=tenant) as client:
        answers = [client.get(f"/v1/orders/{id_}/documents").raise_for_status() for id_ in orders]
    return [answer.json()["order_pdf"].replace(intake.url, url) for answer in answers]


def _ask_until(stop: threading.Event, link: str) -> set[int]:
    """Ask for a PDF again and again; return the statuses of the answers."""
    statuses = set()
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        while not stop.is_set():
            statuses.add(client.get(link).status_code)
    return statuses


def _longest(call: Callable[[], httpx.Response]) -> float:
    """Return the seconds that 99 of 100 calls take at most."""
    taken = []
    for _ in range(CALLS):
        began = time.monotonic()
        assert call().status_code in (200, 202)
        taken.append(time.monotonic() - began)
    return sorted(taken)[CALLS * 99 // 100]


def test_others_get_their_orders_and_their_pdf_meanwhile(
    intake: Intake, engine: Engine, edge: Edge, maker: Process
) -> None:
    large = _links(intake, edge.url, "demo", _orders(engine, LARGE, tenant="demo", tickets=TICKETS))
    (order_id,) = _orders(engine, 1, tenant="other", tickets=2)
    (small,) = _links(intake, edge.url, "other", [order_id])
    headers = {"authorization": f"Bearer {intake.new_key('admin', tenant='other')}"}
    stop = threading.Event()

    with (
        ThreadPoolExecutor(LARGE) as threads,
        httpx.Client(base_url=edge.url, headers=headers, timeout=PATIENCE_SECONDS) as other,
    ):
        asking = [threads.submit(_ask_until, stop, link) for link in large]
        try:
            pdf = patient_get(other, small)
            unmade = scalar(engine, "SELECT count(*) FROM documents WHERE made_at IS NULL AND tickets > 50")
            reading = _longest(lambda: other.get(f"/v1/orders/{order_id}"))
            sending = _longest(lambda: other.post("/v1/orders", json=make_body()))
        finally:
            stop.set()

    with pypdfium2.PdfDocument(pdf.content) as document:
        assert len(document) == 3
    assert unmade > LARGE // 2, "it did not wait for the large ones"
    assert max(reading, sending) < LONGEST_SECONDS
    assert set().union(*(one.result() for one in asking)) <= {200, 202}
