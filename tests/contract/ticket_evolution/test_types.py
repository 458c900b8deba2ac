"""Which type an order is: its parties tell (Orders / Create, Order Types and the table of ids)."""

from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale
from vendors.registry import translate
from vendors.ticket_evolution import DIALECT
from willcall.producer import Producer

_OURS, _OTHERS, _OWNERS = 101, 555, 777
_BOX = {"ticket_group_id": 16637813, "price": 90, "quantity": 1}  # of the office 777, at a cost of 70.00


def _order(**parties: Any) -> dict[str, Any]:
    return {"shipped_items": sale(_BOX)["shipped_items"]} | parties


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("as_id", [int, str])
@pytest.mark.parametrize(
    "said", [{}, {"is_purchase": None}, {"is_purchase": True}, {"is_purchase": "", "client_id": " "}]
)
def test_the_owners_office_as_seller_and_ours_as_buyer_are_a_purchase(
    broker: Broker, as_id: type, said: dict[str, Any]
) -> None:
    # Buy: seller_id is the ticket group owner's office, buyer_id yours; is_purchase is to be left out.
    order = _order(seller_id=as_id(_OWNERS), buyer_id=as_id(_OURS)) | said
    (bought,) = broker.made(order)
    assert (bought["type"], bought["is_purchase"]) == ("PurchaseOrder", True)
    assert (bought["seller"]["id"], bought["buyer"]["id"], bought["client"]) == (_OWNERS, _OURS, None)
    assert bought["child_orders"] == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("said", [{}, {"is_purchase": False}, {"is_purchase": " "}])
@pytest.mark.parametrize(
    ("parties", "buyer"),
    [
        ({"client_id": 17}, ("Client", 17)),
        # The older document: the buyer is an office, and is required unless there is a client.
        ({"buyer_id": _OTHERS}, ("Office", _OTHERS)),
        ({"buyer_id": 102}, ("Office", 102)),
        ({"buyer_id": _OTHERS, "client_id": ""}, ("Office", _OTHERS)),
        ({"buyer_id": _OTHERS, "client_id": 17}, ("Client", 17)),
    ],
)
def test_ones_own_office_as_seller_is_a_sale(
    broker: Broker, parties: dict[str, Any], buyer: tuple[str, int], said: dict[str, Any]
) -> None:
    (sold,) = broker.made(_order(seller_id=_OURS, **parties) | said)
    assert (sold["type"], sold["is_purchase"]) == ("Order", False)
    assert (sold["buyer"]["type"], sold["buyer"]["id"]) == buyer
    assert len(sold["child_orders"]) == 1  # another office owns the tickets: bought from it


@pytest.mark.parametrize(
    "parties",
    [
        {"seller_id": _OWNERS, "buyer_id": _OTHERS},
        {"seller_id": _OWNERS, "client_id": 17},
        {"seller_id": _OWNERS, "buyer_id": _OURS, "client_id": 17},
        {"seller_id": _OWNERS, "buyer_id": _OURS, "is_purchase": False},
        {"seller_id": _OURS, "buyer_id": _OTHERS, "is_purchase": True},
    ],
)
def test_an_order_between_others_is_refused(broker: Broker, parties: dict[str, Any]) -> None:
    answer = broker.post({"orders": [_order(**parties)]})
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert broker.intake.take_requests() == []


@pytest.mark.usefixtures("worker")
def test_on_the_queue_a_buying_office_without_a_client_is_a_purchase(broker: Broker) -> None:
    order = _order(seller_id=_OWNERS, buyer_id=_OURS, reference="bought on the queue")
    with Producer(broker.intake.settings.broker(), broker.intake.settings) as producer:
        producer.send([order], tenant="brokerage", dialect=DIALECT.name)
    found: list[Any] = []
    while not found:
        found = broker.get("/v9/orders", reference="bought on the queue").json()["orders"]
    assert found[0]["type"] == "PurchaseOrder"


@pytest.mark.parametrize(
    ("parties", "missing"),
    [
        ({}, ["seller_id", "client_id"]),
        ({"seller_id": 1}, ["client_id"]),
        ({"buyer_id": 1}, ["seller_id"]),
        ({"client_id": 1}, ["seller_id"]),
        ({"seller_id": 1, "is_purchase": True}, ["buyer_id"]),
        ({"seller_id": 1, "client_id": 2, "is_purchase": True}, ["buyer_id"]),
    ],
)
def test_the_party_that_its_type_requires_is_named(parties: dict[str, Any], missing: list[str]) -> None:
    words = {"shipped_items": [{"items": [_BOX]}]} | parties
    _, mistakes = translate(DIALECT.name, "orders.create", words)
    assert [one.field for one in mistakes] == missing
