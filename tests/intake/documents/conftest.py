"""Orders in a tenant of their own, and the links to their documents."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from db.ids import new_id
from intake.documents.links import Links
from intake.documents.read_facts import find_owner_of_order
from orders.catalogue.loading import load_catalogue
from orders.process import process
from orders.reading.order_reading import get_order
from orders.render import to_json
from schemas.catalogue import Catalogue
from schemas.orders import Order
from schemas.requests import Request
from tests.factories import make_body, make_event, make_seated_class, make_ticket_class
from tests.intakes import Intake
from tests.makers import maker, patient_get
from tests.processes import PATIENCE_SECONDS
from willcall.kinds import CREATE

CATALOGUE = {
    "tenant": "grand-theatre",
    "organisation": {"name": "Grand Théâtre", "email": "box@example.com"},
    "events": [
        make_event(
            tax={"name": "VAT", "rate": "0.10", "is_included": True},
            ticket_classes=[make_ticket_class(), make_seated_class(seats="1-200")],
            details={"venue": {"name": "Grande salle", "address": {"city": "Paris"}}},
        ),
        make_event(
            "hanami",
            name="花見",
            starts_at="2027-04-11T01:00:00+02:00",
            ends_at="2027-04-11T03:30:00+02:00",
            on_sale_until="2099-12-31T00:00:00+00:00",
            timezone="Asia/Tokyo",
            currency="JPY",
            ticket_classes=[make_ticket_class("lawn", name='<b>Lawn</b> & "more"', price="4500")],
        ),
        make_event(
            "cerisiers",
            name="花見 · Fête des cerisiers",
            currency="EUR",
            tax={"name": "VAT", "rate": "0.10", "is_included": True},
            ticket_classes=[make_seated_class("parterre", name="Parterre", price="45.50", seats="1-200")],
            details={
                "venue": {
                    "name": "Grande salle",
                    "address": {"line_1": "1 rue de la Paix", "postal_code": "75002", "city": "Paris"},
                }
            },
        ),
    ],
}


__all__ = ["maker"]


class Phone(httpx.Client):
    """A client without a key, which asks again for what is being made."""

    def get(self, url: str, **options: Any) -> httpx.Response:  # type: ignore[override] # any option
        return patient_get(cast("httpx.Client", super()), url, **options)


@pytest.fixture(scope="session")
def theatre(shared_intake: Intake, maker: object) -> Intake:
    """Load the catalogue, once for all tests of this process."""
    load_catalogue(shared_intake.engine, Catalogue.model_validate(CATALOGUE), now=datetime.now(UTC))
    return shared_intake


Change = Callable[..., None]
Place = Callable[..., Order]
MakeLinks = Callable[..., Links]


@pytest.fixture
def change(theatre: Intake) -> Change:
    """Process a request of any kind, which must not be rejected."""

    def make(kind: str, **body: Any) -> None:
        body = {"idempotency_key": str(new_id())} | body
        request = Request(kind, new_id(), "grand-theatre", True, body)
        with theatre.engine.begin() as connection:
            (outcome,) = process(connection, [request], now=datetime.now(UTC))
        assert not outcome.errors

    return make


@pytest.fixture
def place(theatre: Intake, change: Change) -> Place:
    """Place an order, and return it."""

    def make(ticket_class: str = "standing", quantity: int = 1, **fields: Any) -> Order:
        body = make_body(ticket_class, quantity, **fields)
        change(CREATE, **body)
        with theatre.engine.connect() as connection:
            query = "SELECT id FROM orders WHERE idempotency_key = %(key)s"
            id_ = connection.exec_driver_sql(query, {"key": body["idempotency_key"]}).scalar_one()
            words = get_order(connection, id_)
        return Order.model_validate_json(to_json(words))

    return make


@pytest.fixture
def links(theatre: Intake) -> MakeLinks:
    """Return a factory of what makes the links to an order's documents."""

    def make(order_id: UUID, lasting: timedelta = timedelta(days=7)) -> Links:
        with theatre.engine.connect() as connection:
            owner = find_owner_of_order(connection, order_id)
        assert owner is not None
        return Links(theatre.url, owner.tenant_id, owner.secret, datetime.now(UTC) + lasting)

    return make


@pytest.fixture
def phone() -> Iterator[httpx.Client]:
    """Return a client without a key."""
    with Phone(timeout=PATIENCE_SECONDS) as client:
        yield client
