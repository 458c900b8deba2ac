"""ACME's words on the queue, without HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.acme import Acme, item, sample, simple
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
