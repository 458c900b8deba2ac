"""The baseline: one order, one ORM transaction, as a good engineer writes it by hand.

It leaves the same rows as Willcall's own path, for orders without seats, promo codes and payments. What an
order costs is asked of the same module; everything else is written here, on the tables as they are.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, sessionmaker

from benchmarks.compared.textbook_tables import (
    EventMessage,
    Order,
    OrderLine,
    SigningKey,
    Tenant,
    Ticket,
    TicketClass,
    Unsent,
)
from benchmarks.compared.textbook_words import order_words
from db import tables
from db.ids import new_id
from db.sealing import unseal
from orders.catalogue.prices import EventOffer, Pick, TaxRule, TicketClassOffer
from orders.catalogue.ticket_codes import TicketKey, code_scope
from orders.creating.order_codes import order_code
from orders.money.pricing import TOTALS, PricedLine, PricedOrder, price_order
from schemas.money import quantum
from schemas.order_fields import Attendee
from schemas.order_requests import LineItemRequest, OrderRequest
from schemas.requests import ENVELOPE_FIELDS
from willcall.kinds import CREATE


class SoldOut(Exception):
    """Fewer tickets are left than were asked for."""


def make_sessions(url: str) -> sessionmaker[Session]:
    """Return a maker of sessions for one process and its threads."""
    engine: Engine = create_engine(
        url,
        pool_size=10,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        connect_args={"prepare_threshold": 1},
    )
    return sessionmaker(engine, expire_on_commit=False)


def create_order(sessions: sessionmaker[Session], request: Mapping[str, Any], now: datetime) -> None:
    """Create the order of a request, with its tickets; a request that was processed before does nothing.

    Raises `pydantic.ValidationError`, `orders.errors.RejectedRequest` or `SoldOut`.
    """
    body = {name: value for name, value in request.items() if name not in ENVELOPE_FIELDS}
    asked = OrderRequest.model_validate(body)
    key = asked.idempotency_key or request["request_id"]
    order_id = new_id()
    tenant, signing_key = _tenant(sessions, request["tenant"])
    with sessions.begin() as session:
        number = _claim(session, tenant, request["request_id"], key, body, order_id, now)
        if number is None:
            return
        # From here on others wait for the ticket class: what can be done before is done before.
        ticket_classes = _take(session, tenant, asked)
        priced = _price(asked, ticket_classes)
        order = _order(order_id, number, tenant, key, asked, priced, now)
        for index, item in enumerate(asked.line_items):
            line = _line(index + 1, priced.lines[index], ticket_classes[index])
            line.tickets = _tickets(index + 1, item, ticket_classes[index], signing_key, now)
            order.lines.append(line)
        session.add(order)
        _tell(session, tenant, order, ticket_classes, now)


@cache
def _tenant(sessions: sessionmaker[Session], name: str) -> tuple[Tenant, TicketKey]:
    """Return a tenant and what signs its tickets, read once a process."""
    keys = tables.ticket_keys.c
    query = (
        select(Tenant, SigningKey)
        .join(SigningKey, keys.tenant_id == tables.tenants.c.id)
        .where(tables.tenants.c.name == name)
        .order_by(keys.created_at.desc(), keys.id)
        .limit(1)
    )
    with sessions() as session:
        tenant, key = session.execute(query).one()
    return tenant, TicketKey(key.id, unseal(key.sealed_key, "ticket_keys", key.id))


def _claim(
    session: Session,
    tenant: Tenant,
    request_id: str,
    key: str,
    body: Mapping[str, Any],
    order_id: UUID,
    now: datetime,
) -> int | None:
    """Insert or ignore the request; return the number of its order if it is new."""
    added = insert(tables.requests).values(
        id=UUID(request_id),
        tenant_id=tenant.id,
        idempotency_key=key,
        kind=CREATE,
        body_hash=sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest(),
        status="processed",
        order_id=order_id,
        processed_at=now,
    )
    statement = added.on_conflict_do_nothing().returning(tables.order_numbers.next_value())
    return session.scalars(statement).first()


def _take(session: Session, tenant: Tenant, asked: OrderRequest) -> list[TicketClass]:
    """Lock the ticket classes, in id order, and take the tickets; return the class of each line.

    Raises `SoldOut`.
    """
    table = tables.ticket_classes
    names = {item.ticket_class_id for item in asked.line_items}
    query = (
        select(TicketClass)
        .where(table.c.tenant_id == tenant.id, table.c.external_id.in_(names))
        .order_by(table.c.id)
        .options(joinedload(TicketClass.event, innerjoin=True))
        .with_for_update(of=table)
    )
    found = {ticket_class.external_id: ticket_class for ticket_class in session.scalars(query)}
    taken = [found[item.ticket_class_id] for item in asked.line_items]
    for item, ticket_class in zip(asked.line_items, taken, strict=True):
        if ticket_class.capacity - ticket_class.sold - ticket_class.held < item.quantity:
            raise SoldOut(f"too few are left of ticket class {ticket_class.external_id}")
        ticket_class.sold += item.quantity
    return taken


def _price(asked: OrderRequest, ticket_classes: Sequence[TicketClass]) -> PricedOrder:
    offers = tuple(_offer(ticket_class) for ticket_class in ticket_classes)
    picked = Pick(offers=offers, currency=asked.currency or offers[0].event.currency)
    return price_order(asked, picked, may_set_price=True)


def _offer(ticket_class: TicketClass) -> TicketClassOffer:
    event = ticket_class.event
    tax = None
    if event.tax_rate is not None:
        tax = TaxRule(rate=event.tax_rate, is_included=event.tax_is_included, rounding=event.tax_rounding)
    return TicketClassOffer(
        id=str(ticket_class.id),
        external_id=ticket_class.external_id,
        event=EventOffer(id=str(event.id), external_id=event.external_id, currency=event.currency, tax=tax),
        price=ticket_class.price,
        has_seats=ticket_class.has_seats,
    )


def _order(
    order_id: UUID,
    number: int,
    tenant: Tenant,
    key: str,
    asked: OrderRequest,
    priced: PricedOrder,
    now: datetime,
) -> Order:
    nothing = Decimal(0).quantize(quantum(priced.currency))
    amounts = {name: getattr(priced, name) for name in TOTALS}
    address = asked.billing_address
    return Order(
        id=order_id,
        number=number,
        code=order_code(number),
        tenant_id=tenant.id,
        idempotency_key=key,
        status="placed",
        payment_status="unpaid" if priced.total else "paid",
        version=1,
        last_sequence=1,
        currency=priced.currency,
        **amounts,
        paid=nothing,
        refunded=nothing,
        event_id=asked.event_id,
        **{f"buyer_{name}": value for name, value in asked.buyer},
        billing_address=None if address is None else address.model_dump(),
        promo_code=asked.promo_code,
        reference=asked.reference,
        created_at=now,
        updated_at=now,
        given_tax=asked.tax,
        payment_due_at=asked.payment_due_at,
        extras=asked.extras,
    )


def _line(line_number: int, priced: PricedLine, ticket_class: TicketClass) -> OrderLine:
    rule = priced.offer.event.tax
    return OrderLine(
        line_number=line_number,
        event_id=ticket_class.event.id,
        ticket_class_id=ticket_class.id,
        quantity=priced.quantity,
        unit_price=priced.unit_price,
        amount=priced.amount,
        tax=priced.tax,
        tax_rate=rule and rule.rate,
        tax_is_included=rule and rule.is_included,
        tax_rounding=rule and rule.rounding,
        rounding=priced.rounding,
    )


def _tickets(
    line_number: int, item: LineItemRequest, ticket_class: TicketClass, key: TicketKey, now: datetime
) -> list[Ticket]:
    event = ticket_class.event
    scope = code_scope(
        event_id=event.id,
        ticket_class_id=ticket_class.id,
        valid_from=event.starts_at,
        valid_until=event.ends_at,
    )
    tickets = []
    for place in range(item.quantity):
        attendee = item.attendees[place] if place < len(item.attendees) else Attendee()
        ticket_id = new_id()
        tickets.append(
            Ticket(
                id=ticket_id,
                ticket_class_id=ticket_class.id,
                **{f"attendee_{name}": value for name, value in attendee},
                status="valid",
                code=key.sign(ticket_id.bytes, scope),
                created_at=now,
            )
        )
    return tickets


def _tell(
    session: Session,
    tenant: Tenant,
    order: Order,
    ticket_classes: Sequence[TicketClass],
    now: datetime,
) -> None:
    """Write the event message with the whole order, and that it is to be sent."""
    session.add(
        EventMessage(
            subject=order.id,
            sequence=1,
            tenant_id=tenant.id,
            type="order.confirmed",
            data=order_words(tenant, order, ticket_classes),
            created_at=now,
        )
    )
    session.add(Unsent(subject=order.id, sequence=1, created_at=now))
