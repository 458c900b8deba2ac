"""ACME's words on the queue, without HTTP."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.acme.client import Acme, item, sample, simple
from tests.intakes import Intake
from willcall.kinds import CANCEL, CREATE, PAY, UPDATE
from willcall.producer import Producer


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def send(intake: Intake, acme: Acme, kind: str, words: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a request that was put on the queue."""
    with Producer(intake.settings.broker(), intake.settings) as producer:
        (id_,) = producer.send([words], tenant="box-office", kind=kind, dialect="acme")
    headers = {"authorization": f"Bearer {acme.key}"}
    while True:
        status: dict[str, Any] = acme.http.get(f"/v1/requests/{id_}", headers=headers).json()
        if status["status"] != "pending":
            return status


def test_an_orders_life_on_the_queue(intake: Intake, acme: Acme, worker: object) -> None:
    id_ = send(intake, acme, CREATE, sample(idempotency_key=str(uuid4())))["order_id"]
    assert acme.get(id_)["visitorId"] == "visitor-17"

    send(intake, acme, UPDATE, simple(id=id_, email="new@example.com", orderItems=[item(quantity=1)]))
    assert acme.get(id_)["email"] == "new@example.com"

    send(intake, acme, CANCEL, {"id": id_})
    assert acme.canonical(id_)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("kind", "words", "field"),
    [
        (CREATE, {"email": "sam@example.com"}, "orderItems"),
        (CREATE, simple(colour="red"), "colour"),
        (UPDATE, simple(), "id"),
        (UPDATE, simple(id="1"), "id"),
        (CANCEL, simple(id=str(uuid4())), "email"),
        (PAY, {"id": str(uuid4())}, "dialect"),
        (CREATE, simple(orderItems=[item(unitPrice=0.12345678901234567)]), "orderItems.0.unitPrice"),
    ],
)
def test_what_is_not_acmes_is_rejected_by_its_field(
    intake: Intake, acme: Acme, worker: object, kind: str, words: dict[str, Any], field: str
) -> None:
    status = send(intake, acme, kind, words)

    assert status["status"] == "rejected"
    assert field in [error["field"] for error in status["errors"]]


def test_prices_on_the_queue_may_be_numbers(intake: Intake, acme: Acme, worker: object) -> None:
    words = simple(orderItems=[item(unitPrice=45.1, quantity=1), item(unitPrice=3, quantity=1)])

    id_ = send(intake, acme, CREATE, words)["order_id"]

    assert [line["unit_price"] for line in acme.canonical(id_)["line_items"]] == ["45.10", "3.00"]


def test_an_order_that_is_sent_back_after_it_was_paid_is_updated(
    intake: Intake, acme: Acme, worker: object
) -> None:
    # Not a PUT: between its sender's reading and its turn in the queue, computed fields become old.
    id_ = send(intake, acme, CREATE, simple(orderItems=[item(quantity=2)]))["order_id"]
    read = acme.get(id_)
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "amount": "10.00"})

    status = send(
        intake, acme, UPDATE, json.loads(json.dumps(read | {"email": "new@example.com"}, default=str))
    )

    assert status["status"] == "processed", status
    now = acme.get(id_)
    assert (now["email"], now["paidAmount"]) == ("new@example.com", 10)
    assert now["orderItems"][0]["quantity"] == 2


@pytest.mark.parametrize(
    "computed",
    [
        {"paidAmount": "999.00"},
        {"refundAmount": 3},
        {"checkInStatus": "CheckedIn"},
        {"orderItems": [item(quantity=1, checkedInQuantity=1, checkInDate="2027-04-11T19:00:00Z")]},
        {"originalTotalAmount": 1, "createdOn": "2001-01-01T00:00:00Z"},
    ],
)
def test_computed_fields_change_nothing_on_the_queue(
    intake: Intake, acme: Acme, worker: object, computed: dict[str, Any]
) -> None:
    id_ = send(intake, acme, CREATE, simple(orderItems=[item(quantity=1)]))["order_id"]
    before = acme.canonical(id_)

    send(intake, acme, UPDATE, simple(id=id_, orderItems=[item(quantity=1)]) | computed)

    after = acme.canonical(id_)
    fields = ("totals", "payments", "payment_status", "check_in", "created_at", "tickets")
    assert [after[name] for name in fields] == [before[name] for name in fields]


@pytest.mark.parametrize("field", ["totalAmount", "discountedTotalAmount"])
def test_a_total_that_the_order_would_not_have_is_refused_on_the_queue(
    intake: Intake, acme: Acme, worker: object, field: str
) -> None:
    id_ = send(intake, acme, CREATE, simple(orderItems=[item(quantity=1)]))["order_id"]

    status = send(intake, acme, UPDATE, simple(id=id_, orderItems=[item(quantity=2)], **{field: "1.00"}))

    assert [error["code"] for error in status["errors"]] == ["price_mismatch"]
