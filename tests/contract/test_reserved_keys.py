"""A dialect lets nobody choose a key of the system's own, over HTTP or on the queue."""

from typing import Any

import httpx
import pytest

from tests.contract.acme import client as acme
from tests.contract.ticket_evolution import client as ticket_evolution
from tests.contract.ticket_evolution.client import Broker
from tests.contract.zoho_backstage import client as zoho_backstage
from tests.intakes import Intake
from willcall.producer import Producer

KEY = "willcall:expire:7"


@pytest.mark.parametrize("header", ["x-acme-request-uuid", "Idempotency-Key"])
def test_a_reserved_key_in_acmes_headers_is_refused(
    intake: Intake, caller: httpx.Client, key: str, header: str
) -> None:
    answer = acme.Acme(caller, key).call("POST", "", acme.simple(), **{header: KEY})

    assert answer.status_code == 400
    (mistake,) = answer.json()["errors"]
    assert (mistake["code"], mistake["field"]) == ("invalid", header)
    assert "begin with willcall:" in mistake["message"]
    assert intake.take_requests() == []


def test_a_reserved_key_in_a_call_of_zoho_backstage_is_refused(
    intake: Intake, caller: httpx.Client, key: str
) -> None:
    answer = zoho_backstage.create(caller, key, zoho_backstage.sample(), **{"idempotency-key": KEY})

    assert answer.status_code == 400
    assert zoho_backstage.details(answer)[0][1] == "idempotency_key"
    assert intake.take_requests() == []


def test_a_reserved_key_in_a_call_of_ticket_evolution_is_refused(intake: Intake, broker: Broker) -> None:
    answer = broker.post({"orders": [ticket_evolution.sale()]}, idempotency_key=KEY)

    assert answer.status_code == 422  # this vendor's status for what is not well formed
    assert list(answer.json()["errors"]) == ["idempotency_key"]
    assert intake.take_requests() == []


@pytest.mark.usefixtures("worker")
def test_a_reserved_key_in_an_order_of_ticket_evolution_is_refused(broker: Broker) -> None:
    answer = broker.post({"orders": [ticket_evolution.sale(idempotency_key=KEY)]})

    assert answer.status_code == 422
    assert list(answer.json()["orders"][0]["errors"]) == ["idempotency_key"]


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("acme", acme.simple()),
        ("zoho_backstage", zoho_backstage.sample()),
        ("ticket_evolution", ticket_evolution.sale()),
    ],
)
def test_a_reserved_key_in_a_dialect_on_the_queue_is_rejected(
    intake: Intake, caller: httpx.Client, key: str, worker: object, dialect: str, words: dict[str, Any]
) -> None:
    with Producer(intake.settings.broker(), intake.settings) as producer:
        (id_,) = producer.send([words | {"idempotency_key": KEY}], tenant="box-office", dialect=dialect)
    status: dict[str, Any] = {"status": "pending"}
    while status["status"] == "pending":
        status = caller.get(f"/v1/requests/{id_}", headers={"authorization": f"Bearer {key}"}).json()

    assert status["status"] == "rejected"
    (mistake,) = [error for error in status["errors"] if error["field"] == "idempotency_key"]
    assert (mistake["code"], "begin with willcall:" in mistake["message"]) == ("invalid", True)
