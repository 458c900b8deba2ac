"""The rows of a batch of orders: made in memory before any lock, written with one COPY a table.

Amounts, ids and moments become text here, once; what is written and what is told are the same words.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, Table

from db import tables
from db.bulk import copy_rows
from db.ids import new_ids
from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey
from orders.creating.order_codes import order_code
from orders.creating.trading import trade_row
from orders.draft import Draft, OrderRows, Row
from orders.money.payments import payment_amounts, payment_status
from orders.money.pricing import PricedLine, PricedOrder
from orders.render import Words, render_line, render_note, render_order, render_payment, render_ticket
from schemas.changes import OrderTerms
from schemas.money import ZERO, quantum, zero
from schemas.orders import Attendee, LineItemRequest, OrderRequest


def make_rows(drafts: Sequence[Draft], tenants: Mapping[str, Tenant], now: datetime) -> None:
    """Make the rows of each draft's order, with its tickets' codes; nothing is written yet.

    `tenants` are by name. Seats are given later, with the inventory.
    """
    moment = now.isoformat().replace("+00:00", "Z")
    ticket_ids = iter(new_ids(sum(_quantity(draft) for draft in drafts)))
    for draft in drafts:
        draft.rows = _make_order(draft, ticket_ids, tenants[draft.request.tenant], moment)


def write_rows(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Write the orders with their lines, tickets and payments, one COPY a table."""
    made = [_rows(draft) for draft in drafts]
    _copy(connection, tables.orders, [rows.order for rows in made])
    _copy(connection, tables.order_lines, [line for rows in made for line in rows.lines])
    _copy(connection, tables.tickets, [ticket for rows in made for ticket in rows.tickets])
    _copy(connection, tables.payments, [payment for rows in made for payment in rows.payments])
    _copy(connection, tables.notes, [note for rows in made for note in rows.notes])
    _copy(connection, tables.order_trades, [rows.trade for rows in made if rows.trade is not None])


def order_words(draft: Draft) -> Words:
    """Return the whole order in the words of the wire."""
    order, priced = _parts(draft)
    rows = _rows(draft)
    attendees: defaultdict[int, list[Words]] = defaultdict(list)
    tickets = []
    for ticket in rows.tickets:
        line_number = ticket["line_number"]
        seat = draft.seats.get(ticket["id"])
        words = render_ticket(
            ticket,
            ticket_class_id=priced.lines[line_number - 1].offer.external_id,
            seat=seat.label if seat else None,
        )
        tickets.append(words)
        if words["attendee"]:
            attendees[line_number].append(words["attendee"])
    return render_order(
        {**rows.order, **_as_read(draft, order)},
        tenant=draft.request.tenant,
        lines=[
            render_line(
                row,
                ticket_class_id=line.offer.external_id,
                event_id=line.offer.event.external_id,
                attendees=attendees[row["line_number"]],
            )
            for row, line in zip(rows.lines, priced.lines, strict=True)
        ],
        tickets=tickets,
        payments=[render_payment(payment) for payment in rows.payments],
        notes=[render_note(note) for note in rows.notes if note["kind"] != "internal"],
        trade=rows.trade,
    )


def _as_read(draft: Draft, order: OrderRequest) -> Words:
    """Return what the order's row holds as JSON, or elsewhere, as it will be read."""
    found = draft.fraud_verdict
    return {
        "billing_address": _address(order),
        "extras": order.extras,
        "fraud_check": None if found is None else {"verdict": found.verdict, "reasons": list(found.reasons)},
    }


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        copy_rows(connection, table, list(rows[0]), (row.values() for row in rows))


def _quantity(draft: Draft) -> int:
    return sum(line.quantity for line in _parts(draft)[1].lines)


def _parts(draft: Draft) -> tuple[OrderRequest, PricedOrder]:
    assert draft.order is not None  # noqa: S101 - the path has validated and priced it
    assert draft.priced is not None  # noqa: S101
    return draft.order, draft.priced


def _rows(draft: Draft) -> OrderRows:
    assert draft.rows is not None  # noqa: S101 - the path makes rows before it needs them
    return draft.rows


def _make_order(draft: Draft, ticket_ids: Iterator[str], tenant: Tenant, moment: str) -> OrderRows:
    order, priced = _parts(draft)
    amounts = payment_amounts(order, priced)
    paid = sum(amounts, ZERO)
    key = tenant.key if paid >= priced.total or not tenant.issues_on_payment else None
    return OrderRows(
        order=_order_row(draft, order, priced, paid, moment),
        lines=[_line_row(draft.order_id, index, line) for index, line in enumerate(priced.lines, 1)],
        tickets=[
            _ticket_row(draft.order_id, index, next(ticket_ids), line, _attendee(item, place), key, moment)
            for index, (item, line) in enumerate(zip(order.line_items, priced.lines, strict=True), 1)
            for place in range(item.quantity if draft.has_tickets else 0)
        ],
        payments=_payment_rows(draft.order_id, order, amounts, moment),
        notes=note_rows(draft.order_id, order, moment),
        trade=trade_row(draft, order),
    )


def _order_row(
    draft: Draft,
    order: OrderRequest,
    priced: PricedOrder,
    paid: Decimal,
    moment: str,
) -> Row:
    number = draft.order_number
    assert number is not None  # noqa: S101 - it came with the claim
    address = _address(order)
    return {
        "id": draft.order_id,
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
        "given_tax": order.tax,
        "given_discount": None if order.discount == priced.discount else order.discount,
        "payment_due_at": order.payment_due_at,
        "extras": None if order.extras is None else orjson.dumps(order.extras).decode(),
    }


def _address(order: OrderRequest) -> Words | None:
    return None if order.billing_address is None else order.billing_address.model_dump()


def _line_row(order_id: str, line_number: int, line: PricedLine) -> Row:
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
    key: TicketKey | None,
    moment: str,
) -> Row:
    return {
        "id": ticket_id,
        "order_id": order_id,
        "line_number": line_number,
        "ticket_class_id": line.offer.id,
        "seat_id": None,
        "attendee_first_name": attendee.first_name,
        "attendee_last_name": attendee.last_name,
        "attendee_email": attendee.email,
        "status": "valid",
        "code": key and key.sign(bytes.fromhex(ticket_id.replace("-", "")), line.offer.code_scope),
        "created_at": moment,
    }


def _payment_rows(order_id: str, order: OrderRequest, amounts: Iterable[Decimal], moment: str) -> list[Row]:
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


def note_rows(order_id: Any, words: OrderRequest | OrderTerms, moment: Any, *, after: int = 0) -> list[Row]:
    """Return the rows of the notes, numbered on from `after`."""
    if not (words.internal_notes or words.external_notes or words.instructions):
        return []
    texts = [
        *(("internal", text) for text in words.internal_notes),
        *(("external", text) for text in words.external_notes),
        *(("instructions", text) for text in words.instructions),
    ]
    return [
        {"order_id": order_id, "note_number": number, "kind": kind, "text": text, "created_at": moment}
        for number, (kind, text) in enumerate(texts, after + 1)
    ]
