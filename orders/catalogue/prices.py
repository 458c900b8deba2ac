"""The catalogue's offers for the orders of a batch, and the offers that an order picks.

Ids of rows are text here, as everywhere in the processing of a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from orders.catalogue.ticket_codes import TicketKey
from orders.errors import CurrencyMismatch, SalesClosed, UnknownEvent, UnknownPromoCode, UnknownTicketClass
from schemas.catalogue import TaxRounding, promo_code_key
from schemas.order_requests import OrderRequest

_UNKNOWN: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax rule of an event; `rate` is a fraction of the net price."""

    rate: Decimal
    is_included: bool
    rounding: TaxRounding


@dataclass(frozen=True, slots=True)
class EventOffer:
    """The fields of an event that sales need."""

    id: str
    external_id: str
    currency: str
    tax: TaxRule | None
    starts_at: datetime = _UNKNOWN
    ends_at: datetime = _UNKNOWN
    on_sale_from: datetime | None = None
    on_sale_until: datetime | None = None
    """The end of its sale, if that is not the end of the event."""

    def check_on_sale(self, now: datetime, field: str) -> None:
        """Raise `SalesClosed` before the sale, and after it."""
        if self.on_sale_from is not None and now < self.on_sale_from:
            raise SalesClosed(
                f"event {self.external_id} is on sale from {self.on_sale_from.isoformat()}", field
            )
        until = self.on_sale_until or self.ends_at
        if now >= until:
            raise SalesClosed(f"the sale of event {self.external_id} ended at {until.isoformat()}", field)


@dataclass(frozen=True, slots=True)
class TicketClassOffer:
    """A ticket class at its catalogue price."""

    id: str
    external_id: str
    event: EventOffer
    price: Decimal
    has_seats: bool
    free: int = 0
    """The free tickets when the catalogue was read; there may be fewer by now."""
    code_scope: bytes = b""
    """The scope of its ticket codes: see `orders.catalogue.ticket_codes.code_scope`."""
    office: str | None = None
    """The owning office; without one, the seller."""
    cost: Decimal | None = None
    """The catalogue's cost per ticket of a purchase."""


def ticket_code(ticket_id: str, key: TicketKey, offer: TicketClassOffer) -> str:
    """Return the code of a ticket of the class, signed with the tenant's key."""
    return key.sign(bytes.fromhex(ticket_id.replace("-", "")), offer.code_scope)


@dataclass(frozen=True, slots=True)
class PromoCodeOffer:
    """A promo code's discount at one event: a percentage of its lines, or an amount."""

    id: str
    event_id: str
    code: str
    percent: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers of one tenant, by the catalogue's ids."""

    ticket_classes: dict[str, TicketClassOffer]
    promo_codes: Mapping[str, Sequence[PromoCodeOffer]]
    """By the key that their spellings share: see `schemas.catalogue.promo_code_key`."""
    event_ids: Mapping[str, str]
    """The catalogue's ids of events, by that id and by the event's UUID."""


class Pick(NamedTuple):
    """The offers that an order picks, one for each of its lines, in order.

    `promo_codes` is its promo code, once for each of its events that has it, in the order of the lines.
    """

    offers: tuple[TicketClassOffer, ...]
    currency: str
    promo_codes: tuple[PromoCodeOffer, ...] = ()


def with_event(order: OrderRequest, offers: Offers) -> OrderRequest:
    """Return the order with the catalogue's id of its event. Raises `UnknownEvent`."""
    if order.event_id is None:
        return order
    event_id = offers.event_ids.get(order.event_id)
    if event_id is None:
        raise UnknownEvent(f"there is no event {order.event_id}", "event_id")
    return order if event_id == order.event_id else order.model_copy(update={"event_id": event_id})


def pick(order: OrderRequest, offers: Offers) -> Pick:
    """Return the offers that the order names, or raise its rejection."""
    picked = tuple(
        _ticket_class(order, index, offers.ticket_classes) for index in range(len(order.line_items))
    )
    currency = order.currency or picked[0].event.currency
    for index, offer in enumerate(picked):
        if offer.event.currency != currency:
            field = "currency" if order.currency else f"line_items.{index}.ticket_class_id"
            raise CurrencyMismatch(
                f"the order is in {currency}, but event {offer.event.external_id} "
                f"is sold in {offer.event.currency}",
                field,
            )
    return Pick(picked, currency, _promo_codes(order, picked, offers.promo_codes))


def _ticket_class(
    order: OrderRequest, index: int, ticket_classes: Mapping[str, TicketClassOffer]
) -> TicketClassOffer:
    item = order.line_items[index]
    name = item.ticket_class_id
    field = f"line_items.{index}.ticket_class_id"
    offer = ticket_classes.get(name)
    if offer is None:
        raise UnknownTicketClass(f"there is no ticket class {name}", field)
    if order.event_id is not None and offer.event.external_id != order.event_id:
        raise UnknownTicketClass(f"ticket class {name} is not of event {order.event_id}", field)
    if item.event_id not in (None, offer.event.external_id):
        field = f"line_items.{index}.event_id"
        raise UnknownTicketClass(f"ticket class {name} is not of event {item.event_id}", field)
    return offer


def _promo_codes(
    order: OrderRequest,
    picked: Sequence[TicketClassOffer],
    promo_codes: Mapping[str, Sequence[PromoCodeOffer]],
) -> tuple[PromoCodeOffer, ...]:
    if order.promo_code is None:
        return ()
    spelled_alike = promo_codes.get(promo_code_key(order.promo_code), ())
    by_event = {one.event_id: one for one in reversed(spelled_alike)}
    # Older events may have two spellings of one code.
    by_event |= {one.event_id: one for one in spelled_alike if one.code == order.promo_code}
    events = dict.fromkeys(offer.event.id for offer in picked)
    found = tuple(by_event[event_id] for event_id in events if event_id in by_event)
    if not found:
        raise UnknownPromoCode(f"there is no promo code {order.promo_code}", "promo_code")
    return found
