"""`holds.take`, `holds.extend` and `holds.release`: the requests of a batch that set inventory aside."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from orders.catalogue.offers import Offers, Pick, TicketClassOffer
from orders.draft import Draft
from orders.errors import (
    Invalid,
    PriceMismatch,
    RejectedRequest,
    TooManyDecimals,
    UnknownTicketClass,
)
from orders.holding.holds import Hold, running
from orders.inventory.seating import check_wish, wished_labels
from orders.inventory.stock import Needs, Stock
from schemas.holds import ExtendRequest, HoldRequest, ReleaseRequest
from schemas.money import has_too_many_decimals, quantum


def holds_needed(drafts: Sequence[Draft]) -> set[str]:
    """Return the ids of the holds that the drafts name."""
    named = {
        str(draft.asked.hold_id)
        for draft in drafts
        if isinstance(draft.asked, ExtendRequest | ReleaseRequest)
    }
    return named | {str(hold_id) for draft in drafts for hold_id in hold_ids(draft)}


def hold_ids(draft: Draft) -> list[UUID]:
    """Return the ids of the holds that a new order uses."""
    items = () if draft.order is None else draft.order.line_items
    return [item.hold_id for item in items if item.hold_id is not None]


def class_names(drafts: Sequence[Draft]) -> set[tuple[str, str]]:
    """Return the ticket classes, as tenant and external id, that are to be held."""
    return {
        (draft.tenant_id, draft.asked.ticket_class_id)
        for draft in drafts
        if isinstance(draft.asked, HoldRequest)
    }


def at_held_prices(picked: Pick, holds: Mapping[int, Hold]) -> Pick:
    """Return the pick with the price of its hold for each line that uses one."""
    offers = tuple(
        replace(offer, price=holds[index].unit_price) if index in holds else offer
        for index, offer in enumerate(picked.offers)
    )
    return picked._replace(offers=offers)


def add_needs(
    needs: Needs, drafts: Sequence[Draft], offers: Mapping[str, Offers], holds: Mapping[str, Hold]
) -> None:
    """Add what has to be locked before the drafts can set aside or give back."""
    for draft in drafts:
        if isinstance(draft.asked, HoldRequest):
            offer = offers[draft.tenant_id].ticket_classes.get(draft.asked.ticket_class_id)
            if offer is not None:
                needs.ticket_classes.add(offer.id)
                if offer.has_seats:
                    quantity = _quantity(draft.asked)
                    needs.seats[offer.id] += quantity
                    needs.labels.update((offer.id, label) for label in wished_labels(draft.asked, quantity))
        elif isinstance(draft.asked, ExtendRequest | ReleaseRequest):
            hold = holds.get(str(draft.asked.hold_id))
            if hold is not None:
                needs.ticket_classes.add(hold.ticket_class_id)
                if hold.seats:
                    needs.seats[hold.ticket_class_id] += 0


def set_aside(
    drafts: Sequence[Draft],
    stock: Stock,
    offers: Mapping[str, Offers],
    holds: dict[str, Hold],
    now: datetime,
) -> None:
    """Do what the drafts ask, in their order; new holds are added to `holds`."""
    for draft in drafts:
        try:
            if isinstance(draft.asked, HoldRequest):
                hold = _take(draft, draft.asked, stock, offers[draft.tenant_id], now)
                holds[hold.id] = hold
            elif isinstance(draft.asked, ExtendRequest):
                _check_future(draft.asked.expires_at, now)
                hold = running(holds, str(draft.asked.hold_id), draft.tenant_id, now, "hold_id")
                hold.extend(draft.asked.expires_at)
            elif isinstance(draft.asked, ReleaseRequest):
                _release(draft, draft.asked, stock, holds, now)
        except RejectedRequest as error:
            draft.reject(error)


def _take(draft: Draft, asked: HoldRequest, stock: Stock, offers: Offers, now: datetime) -> Hold:
    offer = offers.ticket_classes.get(asked.ticket_class_id)
    if offer is None:
        raise UnknownTicketClass(f"there is no ticket class {asked.ticket_class_id}", "ticket_class_id")
    _check_future(asked.expires_at, now)
    quantity = _quantity(asked)
    if quantity == 0:
        raise Invalid("Field required", "quantity")
    unit_price = offer.price if asked.unit_price is None else asked.unit_price
    _check_price(draft, asked, offer)
    labels = wished_labels(asked, quantity)
    if labels:
        check_wish(labels, offer, quantity, "seats")
    stock.check(offer, quantity, "quantity")
    seats = (
        stock.choose_seats(offer.id, quantity, labels=labels, field="seats", hold_id=draft.request_id)
        if offer.has_seats
        else []
    )
    stock.hold(offer.id, quantity)
    return Hold(
        id=draft.request_id,
        tenant_id=draft.tenant_id,
        ticket_class_id=offer.id,
        external_id=offer.external_id,
        quantity=quantity,
        unit_price=unit_price.quantize(quantum(offer.event.currency)),
        expires_at=asked.expires_at,
        seats=seats,
        is_changed=True,
    )


def _release(
    draft: Draft, asked: ReleaseRequest, stock: Stock, holds: Mapping[str, Hold], now: datetime
) -> None:
    hold = holds.get(str(asked.hold_id))
    if hold is not None and hold.tenant_id == draft.tenant_id and hold.status in ("released", "expired"):
        return  # over already, which is what was wanted
    running(holds, str(asked.hold_id), draft.tenant_id, now, "hold_id").release(stock)


def _quantity(asked: HoldRequest) -> int:
    return asked.quantity or len(asked.seats)


def _check_price(draft: Draft, asked: HoldRequest, offer: TicketClassOffer) -> None:
    if asked.unit_price is None:
        return
    if has_too_many_decimals(asked.unit_price, offer.event.currency):
        raise TooManyDecimals(
            f"{asked.unit_price:f} has more decimals than {offer.event.currency}", "unit_price"
        )
    if asked.unit_price != offer.price and not draft.request.may_set_price:
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} is {offer.price}, not {asked.unit_price:f}",
            "unit_price",
        )


def _check_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid(f"{expires_at.isoformat()} is past", "expires_at")
