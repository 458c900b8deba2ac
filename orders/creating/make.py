"""Building the rows and the JSON of a new order. Pure, so that orders can be built before the locks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from orders.addresses import stored_address
from orders.catalogue.prices import ticket_code
from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey
from orders.creating.made_payments import extras_of_made, payment_rows
from orders.creating.order_codes import order_code
from orders.inventory.seating import Seat
from orders.money.payments import payment_amounts, payment_status, sums
from orders.money.pricing import PricedLine
from orders.money.promo_terms import promo_terms
from orders.new_order import NewOrder, Quote
from orders.notes import note_rows
from orders.render import render_line, render_note, render_order, render_payment, render_ticket, to_json
from orders.rows import FraudRow, LineRow, OrderRow, TicketRow, TradeRow
from schemas.dialects import Extras
from schemas.json import JsonObject
from schemas.money import zero
from schemas.order_fields import Attendee
from schemas.order_requests import LineItemRequest

_NOBODY = Attendee()


def make_order(
    quote: Quote,
    *,
    order_id: str,
    number: int,
    key: str,
    tenant: Tenant,
    ticket_ids: Iterable[str],
    now: datetime,
    trade: TradeRow | None = None,
    fraud: FraudRow | None = None,
) -> NewOrder:
    """Return the order, with tickets of the given ids, if any; codes are signed if the tenant issues at once.

    Seats are assigned later, with the inventory.
    """
    order, priced = quote.order, quote.priced
    amounts = payment_amounts(order, priced)
    payments = payment_rows(order_id, order, amounts, now)
    nothing = zero(priced.currency)
    paid, refunded = sums(payments, priced.currency) if payments else (nothing, nothing)
    is_paid = paid - refunded >= priced.total
    signing_key = tenant.key if is_paid or not tenant.issues_on_payment else None
    ids = iter(ticket_ids)
    return NewOrder(
        tenant=tenant.name,
        quote=quote,
        order=_order_row(
            quote, order_id, number, key, tenant.id, paid, refunded, now, extras_of_made(order, amounts)
        ),
        lines=[_line_row(order_id, index, line) for index, line in enumerate(priced.lines, 1)],
        tickets=list(_ticket_rows(order_id, quote, ids, signing_key, now)),
        payments=payments,
        notes=note_rows(order_id, order, now),
        trade=trade,
        fraud=fraud,
        seats={},
    )


def render_new(new: NewOrder) -> str:
    """Return the JSON of the whole order in wire format, as it will be read."""
    priced = new.quote.priced
    attendees: defaultdict[int, list[JsonObject]] = defaultdict(list)
    tickets = []
    for ticket in new.tickets:
        body = render_ticket(
            ticket,
            ticket_class_id=priced.lines[ticket.line_number - 1].offer.external_id,
            seat=None if ticket.seat_id is None else new.seats[ticket.seat_id].label,
        )
        tickets.append(body)
        if body["attendee"]:
            attendees[ticket.line_number].append(body["attendee"])
    fraud = new.fraud
    body = render_order(
        new.order,
        tenant=new.tenant,
        lines=[
            render_line(
                row,
                ticket_class_id=line.offer.external_id,
                event_id=line.offer.event.external_id,
                attendees=attendees[row.line_number],
            )
            for row, line in zip(new.lines, priced.lines, strict=True)
        ],
        tickets=tickets,
        payments=[render_payment(payment) for payment in new.payments],
        notes=[render_note(note) for note in new.notes if note.kind != "internal"],
        trade=new.trade,
        fraud_check=None if fraud is None else {"verdict": fraud.verdict, "reasons": fraud.reasons},
    )
    return to_json(body).decode()


def seated(new: NewOrder, chosen: Mapping[int, Sequence[Seat]]) -> tuple[list[TicketRow], dict[str, Seat]]:
    """Return the tickets with their seats, chosen by the index of the line, and the seats by id."""
    given = {index + 1: iter(seats) for index, seats in chosen.items()}
    tickets = [
        ticket._replace(seat_id=next(given[ticket.line_number]).id) if ticket.line_number in given else ticket
        for ticket in new.tickets
    ]
    return tickets, {seat.id: seat for seats in chosen.values() for seat in seats}


def _order_row(
    quote: Quote,
    order_id: str,
    number: int,
    key: str,
    tenant_id: str,
    paid: Decimal,
    refunded: Decimal,
    now: datetime,
    extras: Extras | None,
) -> OrderRow:
    order, priced = quote.order, quote.priced
    buyer = order.buyer
    status = payment_status(priced.total, paid, refunded)
    return OrderRow(
        id=order_id,
        number=number,
        code=order_code(number),
        tenant_id=tenant_id,
        idempotency_key=key,
        status="placed",
        payment_status=status,
        version=1,
        last_sequence=1,
        currency=priced.currency,
        subtotal=priced.subtotal,
        shipping=priced.shipping,
        service_fee=priced.service_fee,
        additional_expense=priced.additional_expense,
        tax=priced.tax,
        included_tax=priced.included_tax,
        discount=priced.discount,
        total=priced.total,
        paid=paid,
        refunded=refunded,
        event_id=order.event_id,
        buyer_first_name=buyer.first_name,
        buyer_last_name=buyer.last_name,
        buyer_email=stored_address(buyer.email),
        buyer_company=buyer.company,
        buyer_phone=buyer.phone,
        billing_address=None if order.billing_address is None else order.billing_address.model_dump(),
        # In the catalogue's spelling.
        promo_code=priced.promo_codes[0].code if priced.promo_codes else None,
        promo_terms=promo_terms(priced.promo_codes),
        reference=order.reference,
        created_at=now,
        updated_at=now,
        given_tax=order.tax,
        given_discount=None if order.discount == priced.discount else order.discount,
        payment_due_at=order.payment_due_at,
        cancelled_at=None,
        cancel_reason=None,
        paid_in_full_at=now if status == "paid" else None,
        expires_at=None if status == "paid" else order.payment_due_at,
        extras=extras,
    )


def _line_row(order_id: str, line_number: int, line: PricedLine) -> LineRow:
    offer = line.offer
    rule = offer.event.tax
    return LineRow(
        order_id,
        line_number,
        offer.event.id,
        offer.id,
        line.quantity,
        line.unit_price,
        line.amount,
        line.tax,
        line.rounding,
        None if rule is None else rule.rate,
        None if rule is None else rule.is_included,
        None if rule is None else rule.rounding,
    )


def _ticket_rows(
    order_id: str, quote: Quote, ids: Iterator[str], key: TicketKey | None, now: datetime
) -> Iterator[TicketRow]:
    items = zip(quote.order.line_items, quote.priced.lines, strict=True)
    for line_number, (item, line) in enumerate(items, 1):
        # zip takes from the ids last, so that none is consumed when there are no more places.
        for index, ticket_id in zip(range(item.quantity), ids, strict=False):
            yield _ticket_row(order_id, line_number, ticket_id, line, _attendee(item, index), key, now)


def _attendee(item: LineItemRequest, index: int) -> Attendee:
    return item.attendees[index] if index < len(item.attendees) else _NOBODY


def _ticket_row(
    order_id: str,
    line_number: int,
    ticket_id: str,
    line: PricedLine,
    attendee: Attendee,
    key: TicketKey | None,
    now: datetime,
) -> TicketRow:
    return TicketRow(
        ticket_id,
        order_id,
        line_number,
        line.offer.id,
        None,
        attendee.first_name,
        attendee.last_name,
        attendee.email,
        "valid",
        None if key is None else ticket_code(ticket_id, key, line.offer),
        now,
        None,
        None,
    )
