"""Complete, boring catalogues and requests; a test names only what matters to it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from db.ids import new_id
from orders.catalogue.loading import load_catalogue
from orders.outbox import FIRST, claim_unsent, mark_sent
from orders.process import process
from orders.reading.order_reading import get_order
from schemas.catalogue import Catalogue
from schemas.orders import Order
from schemas.outcomes import Outcome
from schemas.requests import Request
from willcall.kinds import CREATE

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def make_ticket_class(id: str = "standing", **changes: Any) -> dict[str, Any]:
    return {"id": id, "name": "Standing", "price": "45.50", "capacity": 1_000} | changes


def make_seated_class(id: str = "stalls", seats: str = "1-20", **changes: Any) -> dict[str, Any]:
    ticket_class = {
        "id": id,
        "name": "Stalls",
        "price": "80.00",
        "section": "A",
        "row": "3",
        "seats": [seats],
    }
    return ticket_class | changes


def make_event(id: str = "concert", **changes: Any) -> dict[str, Any]:
    return {
        "id": id,
        "name": "Concert",
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "on_sale_until": "2099-12-31T00:00:00+00:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": [make_ticket_class()],
    } | changes


def make_catalogue(*events: Mapping[str, Any], tenant: str = "demo") -> Catalogue:
    return Catalogue.model_validate({"tenant": tenant, "events": events or (make_event(),)})


def load(engine: Engine, *events: Mapping[str, Any], tenant: str = "demo") -> None:
    load_catalogue(engine, make_catalogue(*events, tenant=tenant), now=NOW)


def load_with_settings(engine: Engine, *events: Mapping[str, Any], **settings: Any) -> None:
    """Load the events of a tenant that wants its orders treated so."""
    words = {"tenant": "demo", "settings": settings, "events": events or (make_event(),)}
    load_catalogue(engine, Catalogue.model_validate(words), now=NOW)


def make_body(ticket_class: str = "standing", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": str(new_id()),
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [{"ticket_class_id": ticket_class, "quantity": quantity}],
    } | changes


def make_request(
    body: Mapping[str, Any] | None = None,
    *,
    tenant: str = "demo",
    request_id: UUID | None = None,
    may_set_price: bool = True,
    **changes: Any,
) -> Request:
    body = make_body(**changes) if body is None else body
    return Request(CREATE, request_id or new_id(), tenant, may_set_price, body)


def run(engine: Engine, *requests: Request) -> Sequence[Outcome]:
    """Process the requests as one batch, and commit."""
    with engine.begin() as connection:
        return process(connection, requests, now=NOW)


def codes(outcome: Outcome) -> list[str]:
    return [rejection.code for rejection in outcome.errors]


def rows(engine: Engine, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), parameters)]


def scalar(engine: Engine, query: str, **parameters: Any) -> Any:
    return rows(engine, query, **parameters)[0][0]


def make_change(
    kind: str, *, request_id: UUID | None = None, may_set_price: bool = True, **body: Any
) -> Request:
    """Return a request of another kind than `orders.create`."""
    body = {"idempotency_key": str(new_id())} | body
    return Request(kind, request_id or new_id(), "demo", may_set_price, body, "tester")


def place(engine: Engine, **changes: Any) -> UUID:
    """Place an order, and return its id."""
    (outcome,) = run(engine, make_request(**changes))
    assert outcome.order_id is not None, outcome
    return outcome.order_id


def read(engine: Engine, order_id: UUID) -> dict[str, Any]:
    """Return the order as it stands."""
    with engine.connect() as connection:
        order = get_order(connection, order_id)
    assert order is not None
    Order.model_validate(order, strict=False)
    return order


def send_events(connection: Connection) -> None:
    """Empty the outbox as the relay does when the broker has confirmed everything."""
    while messages := claim_unsent(connection, after=FIRST, limit=500):
        mark_sent(connection, messages)
