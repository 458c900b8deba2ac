"""What an operator finds on the pages."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from sqlalchemy import select

from db.tables import tenants
from intake.clock import utc_now
from intake.operator.figures import read_figures
from intake.operator.view import View
from tests.intake.operator.conftest import log_in, token_of
from tests.intakes import Intake, Worker
from tests.processes import wait_until

Order = Callable[..., dict[str, Any]]

_CLASSES = "FROM ticket_classes c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = 'demo'"


@pytest.fixture
def placed(intake: Intake, worker: Worker, order: Order) -> dict[str, Any]:
    """Return an order of a buyer whose name nobody else has."""
    buyer = {"first_name": "Ada", "last_name": f"B{uuid4().hex}", "email": f"{uuid4().hex}@example.com"}
    body = order(buyer=buyer, reference=f"desk {uuid4().hex}")
    with intake.client() as client:
        answer = client.post("/v1/orders", json=body, headers={"prefer": "wait=30"})
    assert answer.status_code == 201
    return dict(answer.json())


def test_an_order_is_found_by_everything_that_names_it(
    operator: httpx.Client, placed: dict[str, Any]
) -> None:
    for words in (
        placed["id"],
        str(placed["number"]),
        placed["code"],
        placed["code"].lower(),
        placed["buyer"]["email"],
        placed["buyer"]["email"].upper(),
        placed["buyer"]["last_name"],
        f"Ada {placed['buyer']['last_name']}",
        placed["reference"],
        placed["tickets"][0]["id"],
    ):
        page = operator.get("/operator/orders", params={"q": words})
        assert f"/operator/orders/{placed['id']}" in page.text, words


@pytest.mark.parametrize(
    "words", ["", "%", "_", "a", "no such buyer", "' OR true --", "\\", "9" * 13, "0" * 200]
)
def test_other_words_find_nothing_of_it(operator: httpx.Client, placed: dict[str, Any], words: str) -> None:
    page = operator.get("/operator/orders", params={"q": words})

    assert page.status_code == 200
    assert placed["id"] not in page.text


def test_an_order_is_shown_with_all_that_belongs_to_it(
    operator: httpx.Client, placed: dict[str, Any]
) -> None:
    page = operator.get(f"/operator/orders/{placed['id']}").text

    for part in (
        placed["code"],
        placed["totals"]["total"],
        placed["buyer"]["email"],
        "orders.create",
        "order.confirmed",
    ):
        assert part in page, part
    assert placed["tickets"][0]["id"] in page


def test_why_an_order_was_refused_is_told(
    intake: Intake, worker: Worker, operator: httpx.Client, order: Order
) -> None:
    key = uuid4().hex
    body = order(line_items=[{"ticket_class_id": "stalls", "quantity": 900}], idempotency_key=key)
    with intake.client() as client:
        answer = client.post("/v1/orders", json=body, headers={"prefer": "wait=30"})
    assert answer.status_code == 422
    code = answer.json()["errors"][0]["code"]

    assert code in operator.get("/operator/requests", params={"q": key}).text
    assert code in operator.get("/operator/requests", params={"code": code}).text
    assert code in operator.get("/operator").text


def test_a_ticket_class_tells_what_is_left_and_when_it_was_sold(
    intake: Intake, operator: httpx.Client, placed: dict[str, Any]
) -> None:
    with intake.engine.connect() as connection:
        id_, free = connection.exec_driver_sql(
            f"SELECT c.id, c.capacity - c.sold - c.held {_CLASSES} AND c.external_id = 'standing'"
        ).one()

    page = operator.get(f"/operator/sales/{id_}", params={"window": "15m"}).text

    assert f"{free:,}" in page
    assert 'path d="M0.0,' in page
    assert f"/operator/sales/{id_}" in operator.get("/operator/sales").text


def test_a_dead_letter_is_replayed(
    intake: Intake, operator: httpx.Client, dead_letter: Callable[..., UUID], order: Order
) -> None:
    request = {"tenant": "demo", "request_id": str(uuid4()), **order()}
    id_ = dead_letter(message=orjson.dumps(request), request_id=UUID(request["request_id"]))
    page = operator.get("/operator/dead-letters")

    done = operator.post("/operator/dead-letters/replay", data={"token": token_of(page), "id": [str(id_)]})

    assert "1 replayed" in done.text
    assert str(id_) not in done.text
    assert request["request_id"] in [one["request_id"] for one in intake.take_requests()]


def test_a_dead_letter_is_discarded(operator: httpx.Client, dead_letter: Callable[..., UUID]) -> None:
    first, second = dead_letter(), dead_letter()
    page = operator.get("/operator/dead-letters")

    done = operator.post("/operator/dead-letters/discard", data={"token": token_of(page), "id": [str(first)]})

    assert str(first) not in done.text
    assert str(second) in done.text
    again = {"token": token_of(done), "id": [str(first)]}
    assert operator.post("/operator/dead-letters/replay", data=again).status_code == 409


def test_another_tenants_things_do_not_exist(
    intake: Intake, placed: dict[str, Any], dead_letter: Callable[..., UUID]
) -> None:
    id_ = dead_letter()
    with intake.engine.connect() as connection:
        class_id = connection.exec_driver_sql(f"SELECT c.id {_CLASSES} LIMIT 1").scalar_one()
    with log_in(intake, "other") as other:
        for words in (placed["id"], placed["code"], placed["buyer"]["email"], placed["reference"]):
            assert placed["id"] not in other.get("/operator/orders", params={"q": words}).text.replace(
                words, ""
            )
        for path in (f"orders/{placed['id']}", f"dead-letters/{id_}", f"sales/{class_id}"):
            assert other.get(f"/operator/{path}").status_code == 404
        for path in ("", "/sales", "/requests", "/dead-letters", "/holds", "/keys", "/discrepancies"):
            page = other.get(f"/operator{path}").text
            assert "demo" not in page, path
            assert str(id_) not in page
        token = token_of(other.get("/operator"))
        for do in ("replay", "discard"):
            other.post(f"/operator/dead-letters/{do}", data={"token": token, "id": [str(id_)]})
    with log_in(intake) as own:
        assert own.get(f"/operator/dead-letters/{id_}").status_code == 200


def test_a_view_of_all_tenants_counts_all(intake: Intake, placed: dict[str, Any]) -> None:
    with intake.engine.connect() as connection:
        other = connection.scalars(select(tenants.c.id).where(tenants.c.name == "other")).one()
        every = read_figures(connection, View(None, None), utc_now())
        of_other = read_figures(connection, View(other, "other"), utc_now())

    assert every.orders_last_minute >= of_other.orders_last_minute + 1


def test_what_a_buyer_wrote_is_text_and_no_markup(
    intake: Intake, worker: Worker, operator: httpx.Client, order: Order
) -> None:
    name = f"<script>alert({uuid4().hex[:6]!r})</script>"
    buyer = {"first_name": name, "last_name": "x", "email": "x@example.com"}
    with intake.client() as client:
        answer = client.post("/v1/orders", json=order(buyer=buyer), headers={"prefer": "wait=30"})

    page = operator.get(f"/operator/orders/{answer.json()['id']}").text

    assert name not in page
    assert "&lt;script&gt;" in page


def test_the_figures_come_again_without_the_rest_of_the_page(operator: httpx.Client) -> None:
    part = operator.get("/operator", headers={"hx-request": "true"}).text

    assert part.lstrip().startswith('<div id="page">')
    assert "<html" not in part


def test_the_queue_is_told(intake: Intake, operator: httpx.Client, order: Order) -> None:
    with intake.client() as client:
        for _ in range(3):
            client.post("/v1/orders", json=order())

    def is_shown() -> bool:
        shown = re.search(
            r"<strong>([\d,]+)</strong> <span>waiting for a worker", operator.get("/operator").text
        )
        return shown is not None and shown[1] != "0"

    wait_until(is_shown, what="the queue to show")
