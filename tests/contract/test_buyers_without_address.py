"""A buyer without an e-mail address has none anywhere: no dialect, document, event or list makes one up.

The documents of Zoho Backstage and Ticket Evolution let an order come without the buyer's address.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pypdfium2
import pytest

from intake.cli.order_in_dialect import in_dialect
from orders.reading.order_reading import get_order
from tests.contract.conftest import canonical
from tests.contract.eventbookings.client import Client, connect
from tests.contract.ticket_evolution.client import Broker, sale
from tests.contract.zoho_backstage.client import create, placed
from tests.factories import rows
from tests.intakes import Intake
from tests.makers import patient_get
from vendors.registry import RENDERERS

EVENT = "2000000116588"
NOBODY = {"first_name": "Ada", "last_name": "Example", "email": None}
TICKET = [{"ticketclass_id": "3000000012232"}]

Make = Callable[[Client, Broker], tuple[Client, str]]


@pytest.fixture
def client(caller: httpx.Client, intake: Intake, key: str, worker: object) -> Client:
    return connect(caller, intake, key)


def _canonical(client: Client, _: Broker) -> tuple[Client, str]:
    return client, client.place(("3000000012232", 1), buyer=NOBODY)["id"]


def _zoho(client: Client, _: Broker) -> tuple[Client, str]:
    made = placed(create(client.http, client.key, {"buyer_details": {}, "tickets": TICKET}))
    assert (made["order_by"], made["contact"]["purchaser_email"]) == ("", "")
    return client, canonical(client.http, client.key, limit=1)[0]["id"]


def _ticket_evolution(_: Client, broker: Broker) -> tuple[Client, str]:
    (made,) = broker.made(sale())
    return connect(broker.http, broker.intake, broker.key), broker.canonical(made["id"])["id"]


@pytest.mark.parametrize("make", [_canonical, _zoho, _ticket_evolution])
def test_nobody_is_shown_an_address_that_the_buyer_does_not_have(
    client: Client, broker: Broker, intake: Intake, maker: object, make: Make
) -> None:
    reader, order_id = make(client, broker)

    authorization = {"authorization": f"Bearer {reader.key}"}
    found = reader.http.get(f"/v1/orders/{order_id}", headers=authorization).json()
    assert found["buyer"]["email"] is None
    order = reader.order(order_id)
    assert order["customer"]["email"] == ""
    ((event,),) = rows(
        intake.engine,
        "SELECT data::text FROM event_messages WHERE subject = :id AND type = 'order.confirmed'",
        id=order_id,
    )
    with intake.engine.connect() as connection:
        words = get_order(connection, UUID(order_id)) or {}
        shown = [str(in_dialect(connection, words, render)) for render in RENDERERS.values()]
    pdf = patient_get(reader.http, order["order_pdf_link"])
    with pypdfium2.PdfDocument(pdf.content) as document:
        drawn = [page.get_textpage().get_text_range() for page in document]
    for text in (str(found), event, *shown, *drawn):
        assert ".invalid" not in text
    assert not any("None" in text or "null" in text for text in drawn)


def test_two_of_them_are_two_customers_with_an_empty_address(client: Client) -> None:
    first, second = (client.place(("10", 1), buyer=NOBODY)["id"] for _ in range(2))
    listed = {order["uuid"]: order["customer"] for order in client.list("free-event")["orders"]}

    assert listed[first]["uuid"] != listed[second]["uuid"]
    assert client.order(first)["customer"]["uuid"] == listed[first]["uuid"]
    assert [listed[one]["email"] for one in (first, second)] == ["", ""]


def test_they_are_found_by_their_names(client: Client) -> None:
    buyer: dict[str, Any] = {"first_name": "Quirina", "last_name": "Ohneadresse", "email": None}
    order_id = client.place(("10", 1), buyer=buyer)["id"]

    (found,) = client.list("free-event", search_q="quirina ohneadresse")["orders"]
    assert found["uuid"] == order_id
    assert client.list("free-event", search_q="@zoho-backstage.invalid")["orders"] == []
