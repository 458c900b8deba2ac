"""The rows of a batch of confirmed orders: made in memory, written with one COPY a table.

Amounts, ids and moments become text here, once; what is written and what is told are the same words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, Table, text

from db import tables
from db.bulk import copy_rows
from db.ids import new_ids
from orders.codes import order_code
from orders.draft import Draft, Seat
from orders.payments import payment_amounts, payment_status
from orders.pricing import PricedLine, PricedOrder
from orders.render import Words, render_line, render_order, render_payment, render_ticket
from orders.tickets import TicketKey
from schemas.money import quantum, zero
from schemas.orders import Attendee, LineItemRequest, OrderRequest

_Row = dict[str, Any]

_NUMBERS = text("SELECT nextval('order_numbers') FROM generate_series(1, :count)")


@dataclass(slots=True)
class _Rows:
    """Rows by table, each a mapping of the columns to their values."""

    orders: list[_Row] = field(default_factory=list)
    lines: list[_Row] = field(default_factory=list)
    tickets: list[_Row] = field(default_factory=list)
    payments: list[_Row] = field(default_factory=list)


def persist(
    connection: Connection,
    drafts: Sequence[Draft],
    keys: Mapping[str, TicketKey],
    now: datetime,
) -> None:
    """Write the orders with their lines, tickets and payments; set each draft's `words`.

    `keys` are the tenants' signing keys.
    """
    if not drafts:
        return
    numbers = connection.scalars(_NUMBERS, {"count": len(drafts)}).all()
    moment = now.isoformat().replace("+00:00", "Z")
    ticket_ids = iter(new_ids(sum(_quantity(draft) for draft in drafts)))
    rows = _Rows()
    for draft, number in zip(drafts, numbers, strict=True):
        _add_order(rows, draft, number, ticket_ids, keys[draft.tenant_id], moment)
    _write(connection, tables.orders, rows.orders)
    _write(connection, tables.order_lines, rows.lines)
    _write(connection, tables.tickets, rows.tickets)
    _write(connection, tables.payments, rows.payments)


def _write(connection: Connection, table: Table, rows: Sequence[_Row]) -> None:
    if rows:
        copy_rows(connection, table, list(rows[0]), (list(row.values()) for row in rows))


def _quantity(draft: Draft) -> int:
    return sum(line.quantity for line in _parts(draft)[1].lines)


def _parts(draft: Draft) -> tuple[OrderRequest, PricedOrder]:
    assert draft.order is not None  # noqa: S101 - the path has validated and priced it
    assert draft.priced is not None  # noqa: S101
    return draft.order, draft.priced


def _add_order(
    rows: _Rows,
    draft: Draft,
    number: int,
    ticket_ids: Iterator[str],
    key: TicketKey,
    moment: str,
) -> None:
    order, priced = _parts(draft)
    order_id = draft.order_id
    amounts = payment_amounts(order, priced)
    row = _order_row(order_id, draft, order, priced, number, sum(amounts, Decimal(0)), moment)
    lines: list[Words] = []
    tickets: list[Words] = []
    for index, (item, line) in enumerate(zip(order.line_items, priced.lines, strict=True)):
        of_line = []
        for place in range(item.quantity):
            seat = draft.seats[index][place] if line.offer.has_seats else None
            ticket_row = _ticket_row(
                order_id, index + 1, next(ticket_ids), line, _attendee(item, place), seat, key, moment
            )
            rows.tickets.append(ticket_row)
            label = seat.label if seat else None
            of_line.append(render_ticket(ticket_row, ticket_class_id=line.offer.external_id, seat=label))
        line_row = _line_row(order_id, index + 1, line)
        rows.lines.append(line_row)
        lines.append(
            render_line(
                line_row,
                ticket_class_id=line.offer.external_id,
                event_id=line.offer.event.external_id,
                attendees=[ticket["attendee"] for ticket in of_line if ticket["attendee"]],
            )
        )
        tickets.extend(of_line)
    payments = _payment_rows(order_id, order, amounts, moment)
    rows.orders.append(row)
    rows.payments.extend(payments)
    draft.words = render_order(
        {**row, "billing_address": _address(order)},
        tenant=draft.request.tenant,
        lines=lines,
        tickets=tickets,
        payments=[render_payment(payment) for payment in payments],
    )


def _order_row(
    order_id: str,
    draft: Draft,
    order: OrderRequest,
    priced: PricedOrder,
    number: int,
    paid: Decimal,
    moment: str,
) -> _Row:
    address = _address(order)
    return {
        "id": order_id,
        "number": number,
        "code": order_code(number),
        "tenant_id": draft.tenant_id,
        "idempotency_key": draft.idempotency_key,
        "status": "placed",
        "payment_status": payment_status(priced.total, paid),
        "version": 1,
        "last_sequence": 1,
        "currency": priced.currency,
        "subtotal": str(priced.subtotal),
        "shipping": str(priced.shipping),
        "service_fee": str(priced.service_fee),
        "additional_expense": str(priced.additional_expense),
        "tax": str(priced.tax),
        "included_tax": str(priced.included_tax),
        "discount": str(priced.discount),
        "total": str(priced.total),
        "paid": str(paid.quantize(quantum(priced.currency))),
        "refunded": str(zero(priced.currency)),
        "event_id": order.event_id,
        "buyer_first_name": order.buyer.first_name,
        "buyer_last_name": order.buyer.last_name,
        "buyer_email": order.buyer.email,
        "buyer_company": order.buyer.company,
        "buyer_phone": order.buyer.phone,
        "billing_address": None if address is None else orjson.dumps(address).decode(),
        "promo_code": order.promo_code,
        "reference": order.reference,
        "created_at": moment,
        "updated_at": moment,
    }


def _address(order: OrderRequest) -> Words | None:
    return None if order.billing_address is None else order.billing_address.model_dump()


def _line_row(order_id: str, line_number: int, line: PricedLine) -> _Row:
    return {
        "order_id": order_id,
        "line_number": line_number,
        "event_id": line.offer.event.id,
        "ticket_class_id": line.offer.id,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "amount": str(line.amount),
        "tax": str(line.tax),
        "rounding": str(line.rounding),
    }


_NOBODY = Attendee()


def _attendee(item: LineItemRequest, place: int) -> Attendee:
    return item.attendees[place] if place < len(item.attendees) else _NOBODY


def _ticket_row(
    order_id: str,
    line_number: int,
    ticket_id: str,
    line: PricedLine,
    attendee: Attendee,
    seat: Seat | None,
    key: TicketKey,
    moment: str,
) -> _Row:
    return {
        "id": ticket_id,
        "order_id": order_id,
        "line_number": line_number,
        "ticket_class_id": line.offer.id,
        "seat_id": seat.id if seat else None,
        "attendee_first_name": attendee.first_name,
        "attendee_last_name": attendee.last_name,
        "attendee_email": attendee.email,
        "status": "valid",
        "code": key.sign(bytes.fromhex(ticket_id.replace("-", "")), line.offer.code_scope),
        "created_at": moment,
    }


def _payment_rows(order_id: str, order: OrderRequest, amounts: Iterable[Decimal], moment: str) -> list[_Row]:
    return [
        {
            "order_id": order_id,
            "payment_number": number,
            "type": payment.type,
            "status": "completed",
            "amount": amount,
            "created_at": moment,
        }
        for number, (payment, amount) in enumerate(zip(order.payments, amounts, strict=True), 1)
    ]
