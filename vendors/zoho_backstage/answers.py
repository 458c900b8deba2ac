"""An order as Zoho Backstage answers it (Create an order, Response Structure and Field Explanations)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from schemas.background import Background
from schemas.money import ZERO
from schemas.orders import Attendee, Order, OrderStatus, PaymentStatus, PaymentType, Ticket, TicketStatus
from vendors.dialect import Words
from vendors.words import moment, number, spread

# The sample's codes are 0 placed, 1 paid, 10 transaction_api, 4 api, 2 editor; the others are our choice.
_STATUS: Final[dict[OrderStatus, int]] = {"placed": 0, "cancelled": 1, "refunded": 2}
_PAYMENT_STATUS: Final[dict[PaymentStatus, int]] = {
    "unpaid": 0,
    "paid": 1,
    "partially_paid": 2,
    "refunded": 3,
}
_PAYMENT_TYPE: Final[dict[PaymentType, tuple[int, str]]] = {
    "offline": (0, "Offline"),
    "cash": (1, "Cash"),
    "check": (2, "Check"),
    "credit_card": (3, "Credit Card"),
    "paypal": (4, "PayPal"),
    "money_order": (5, "Money Order"),
    "evopay": (6, "EvoPay"),
    "tbd": (7, "To Be Determined"),
    "transaction_api": (10, "Transaction API"),
}
_TICKET_STATUS: Final[dict[TicketStatus, tuple[int, str]]] = {
    "valid": (0, "placed"),
    "checked_in": (3, "checked_in"),
    "voided": (1, "cancelled"),
}
_SOURCE: Final = (4, "api")
_ORIGIN: Final = (2, "editor")
_NO_CANCELLATION: Final = 0
_BY_THE_EVENT: Final = 1


def answer(order: Order, background: Background) -> Words:
    """Return every field of the sample response, from the order and what is known around it."""
    payment_type = order.payments[0].type if order.payments else "offline"
    code, name = _PAYMENT_TYPE[payment_type]
    creator = _creator(background)
    return {
        "id": str(order.number),
        "order_by": order.buyer.email,
        "status": _STATUS[order.status],
        "status_string": order.status,
        "payment_type": code,
        "payment_type_string": payment_type,
        "payment_option_name": name,
        "source": _SOURCE[0],
        "source_string": _SOURCE[1],
        "billing_address": _billing_address(order),
        "refund_policy": _refund_policy(order, background),
        "origin": _ORIGIN[0],
        "origin_string": _ORIGIN[1],
        **_paid(order),
        "contact": {
            "purchaser_first_name": order.buyer.first_name,
            "purchaser_last_name": order.buyer.last_name,
            "purchaser_email": order.buyer.email,
            "purchaser_mobile_no": order.buyer.phone or "",
        },
        "created_by": creator,
        "created_time": moment(order.created_at),
        "last_modified_by": creator,
        "last_modified_time": moment(order.updated_at),
        "cost": _cost(order, background),
        "tickets": _tickets(order, background),
    }


def _paid(order: Order) -> Words:
    return {
        "payment_status": _PAYMENT_STATUS[order.payment_status],
        "payment_status_string": order.payment_status,
    }


def _creator(background: Background) -> Words:
    """Return who acts for the portal: a key stands for the organisation, not for a person."""
    organisation = background.organisation
    return {
        "id": background.alias("zoho_backstage"),
        "email": organisation.email or "",
        "first_name": organisation.name or background.tenant,
        "company": organisation.entity_name or organisation.name or background.tenant,
        "designation": "",
    }


def _billing_address(order: Order) -> Words:
    address = order.billing_address
    return {
        "name": (address and address.name) or "",
        "streetAddress1": (address and address.line_1) or "",
        "streetAddress2": (address and address.line_2) or "",
        "city": (address and address.city) or "",
        "state": (address and address.state) or "",
        "country": (address and address.country) or "",
        "zipcode": (address and address.postal_code) or "",
    }


def _refund_policy(order: Order, background: Background) -> int:
    events = [background.events[line.event_id] for line in order.line_items]
    return _BY_THE_EVENT if any(event.details.cancellation for event in events) else _NO_CANCELLATION


def _cost(order: Order, background: Background) -> Words:
    totals = order.totals
    rates = {background.events[line.event_id].tax_rate for line in order.line_items} - {None}
    names = {background.events[line.event_id].tax_name for line in order.line_items} - {None}
    rate = next(iter(rates)) if len(rates) == 1 else None
    return {
        "sub_total": number(totals.subtotal),
        "discount": number(totals.discount),
        "service_fee": number(totals.service_fee),
        "tax": number(totals.tax),
        "tax_percent": number((rate or ZERO) * 100),
        "total": number(totals.total),
        "tax_name": next(iter(names)) if len(names) == 1 else None,
        "promo_code": order.promo_code,
        "discount_applied": number(totals.discount) if totals.discount else None,
    }


@dataclass(frozen=True, slots=True)
class _Price:
    """What one ticket costs, with its share of what the order adds and takes off."""

    base: Decimal = ZERO
    discount: Decimal = ZERO
    service_fee: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.base - self.discount + self.service_fee + self.tax


def _tickets(order: Order, background: Background) -> list[Words]:
    prices = _prices(order)
    creator = _creator(background)
    return [_ticket(order, ticket, prices[ticket.id], background, creator) for ticket in order.tickets]


def _prices(order: Order) -> dict[UUID, _Price]:
    """Return what each ticket costs; the shares of those that are not voided add up to the last cent."""
    lines = {line.line_number: line for line in order.line_items}
    prices = {ticket.id: _Price(lines[ticket.line_number].unit_price) for ticket in order.tickets}
    live = [ticket for ticket in order.tickets if ticket.status != "voided"]
    weights = [prices[ticket.id].base for ticket in live]
    discounts = spread(order.totals.discount, weights, order.currency)
    fees = spread(order.totals.service_fee, weights, order.currency)
    taxes = spread(order.totals.tax, weights, order.currency)
    for ticket, discount, fee, tax in zip(live, discounts, fees, taxes, strict=True):
        prices[ticket.id] = _Price(prices[ticket.id].base, discount, fee, tax)
    return prices


def _ticket(order: Order, ticket: Ticket, price: _Price, background: Background, creator: Words) -> Words:
    status, status_string = _TICKET_STATUS[ticket.status]
    changed_at = ticket.checked_in_at or (
        order.updated_at if ticket.status == "voided" else ticket.created_at
    )
    return {
        "id": str(ticket.id),
        "base_price": number(price.base),
        "discount": number(price.discount),
        "service_fee": number(price.service_fee),
        "tax": number(price.tax),
        "total": number(price.total),
        "promo_code": order.promo_code,
        "discount_applied": number(price.discount) if price.discount else None,
        "status": status,
        "status_string": status_string,
        **_paid(order),
        "ticket_name": background.ticket_classes[ticket.ticket_class_id].name,
        "ticket_class_id": ticket.ticket_class_id,
        "issue_ticket": ticket.code is not None and ticket.status != "voided",
        "contact": _contact(order, ticket.attendee or Attendee()),
        "created_by": creator,
        "created_time": moment(ticket.created_at),
        "last_modified_by": creator,
        "last_modified_time": moment(changed_at),
    }


def _contact(order: Order, attendee: Attendee) -> Words:
    """Return who holds the ticket; company and phone are the buyer's, where the buyer holds it."""
    is_buyer = attendee.email == order.buyer.email
    return {
        "first_name": attendee.first_name or "",
        "company_name": (is_buyer and order.buyer.company) or "",
        "email": attendee.email or "",
        "designation": "",
        "mobile_no": (is_buyer and order.buyer.phone) or "",
        "last_name": attendee.last_name or "",
    }
