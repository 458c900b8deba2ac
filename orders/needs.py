"""What a batch may take or give back: the ticket classes, seats and promo codes that it has to lock."""

from collections.abc import Iterable, Mapping

from orders.catalogue.offers import Offers
from orders.holding.take import quantity_of
from orders.inventory.seating import labels_from, wished_labels
from orders.inventory.stock import Needs
from orders.look import Named
from orders.requests import (
    CancelOrder,
    ChangeOrder,
    CreateOrder,
    ExpireOrder,
    ExtendHold,
    ReleaseHold,
    TakeHold,
    UpdateOrder,
)
from orders.rows import Words
from orders.world import World
from schemas.text import is_storable


def needs_of(world: World, named: Named) -> Needs:
    """Return what has to be locked before the requests are decided."""
    needs = Needs()
    for request in named.requests:
        offers = world.offers[request.tenant.id]
        if isinstance(request, CreateOrder):
            _need_for_order(needs, world, request, offers)
        elif isinstance(request, UpdateOrder):
            _need_for_update(needs, world, request, offers)
        elif isinstance(request, TakeHold):
            offer = offers.ticket_classes.get(request.body.ticket_class_id)
            if offer is not None:
                count = quantity_of(request.body)
                labels = wished_labels(request.body, count)
                needs.add_offer(offer, seats=count, labels=labels)
        elif isinstance(request, CancelOrder | ExpireOrder):
            _need_for_cancellation(needs, world, order_id_of(world, request))
        elif isinstance(request, ExtendHold | ReleaseHold):
            _need_for_hold(needs, world, str(request.body.hold_id))
    return needs


def order_id_of(world: World, request: ChangeOrder) -> str | None:
    """Return the existing order that the request names, or None."""
    name = (request.tenant.id, request.body.order_key or "")
    order_id = request.order_id or world.created_by.get(name)
    return order_id if order_id in world.orders.states else None


def patches_of(world: World, request: UpdateOrder) -> list[Words]:
    """Return the patches that the update may merge: its own, and those that come after it."""
    order = world.orders.states.get(order_id_of(world, request) or "")
    placed = () if order is None else order.changes.values()
    return [request.body.patch, *(change.patch for change in placed if change.patch is not None)]


def patched_classes(patches: Iterable[Words]) -> set[str]:
    """Return the ticket classes that lines of patches name; the patches are not validated yet."""
    return {line["ticket_class_id"] for line in patched_lines(patches)}


def patched_lines(patches: Iterable[Words]) -> list[Words]:
    """Return the lines of patches, not validated, that name a ticket class which can be one."""
    return [
        line
        for patch in patches
        for line in (patch["line_items"] if isinstance(patch.get("line_items"), list) else ())
        if isinstance(line, dict) and _can_be_sought(line.get("ticket_class_id"))
    ]


def _can_be_sought(name: object) -> bool:
    """Say whether a name can be one of the catalogue's; what else is wrong with it, validation says."""
    return isinstance(name, str) and len(name) <= 200 and is_storable(name)


def _need_for_order(needs: Needs, world: World, request: CreateOrder, offers: Offers) -> None:
    events = set()
    is_event_open = False
    for item in request.body.line_items:
        if item.hold_id is not None:
            # The hold says of which event the line is, and may be taken by the batch.
            is_event_open = True
            _need_for_hold(needs, world, str(item.hold_id))
        offer = offers.ticket_classes.get(item.ticket_class_id)
        if offer is not None:
            labels = wished_labels(item, item.quantity)
            needs.add_offer(offer, seats=item.quantity, labels=labels)
            events.add(offer.event.id)
        else:
            is_event_open = True  # the batch may make it
    for promo_code in offers.promo_codes.get(request.body.promo_code or "", ()):
        if is_event_open or promo_code.event_id in events:
            needs.promo_codes.add(promo_code.id)


def _need_for_update(needs: Needs, world: World, request: UpdateOrder, offers: Offers) -> None:
    """A change of other words than the lines takes no inventory, and waits for nobody who does."""
    lines = patched_lines(patches_of(world, request))
    if not lines:
        return
    _need_for_lines(needs, world, order_id_of(world, request))
    for line in lines:
        offer = offers.ticket_classes.get(line["ticket_class_id"])
        if offer is not None:
            quantity = line.get("quantity")
            count = quantity if isinstance(quantity, int) and 0 < quantity <= 1_000 else 0
            labels = _labels(line, count)
            needs.add_offer(offer, seats=count, labels=labels)


def _labels(line: Mapping[str, object], count: int) -> list[str]:
    """Return the seats that a line of a patch wishes for; the patch is not validated yet."""
    seats, low_seat = line.get("seats"), line.get("low_seat")
    if isinstance(seats, list):
        return [seat for seat in seats if _can_be_sought(seat)]
    if isinstance(low_seat, str) and _can_be_sought(low_seat):
        is_odd_even = line.get("seat_order") == "odd_even"
        return labels_from(low_seat, "odd_even" if is_odd_even else "consecutive", count)
    return []


def _need_for_cancellation(needs: Needs, world: World, order_id: str | None) -> None:
    order = world.orders.states.get(order_id or "")
    if order is not None:
        _need_for_lines(needs, world, order_id)
        if order.trade is not None:
            _need_for_lines(needs, world, order.trade.counterpart_id)


def _need_for_lines(needs: Needs, world: World, order_id: str | None) -> None:
    order = world.orders.states.get(order_id or "")
    if order is not None and order.is_whole:
        for line in order.open_lines():
            names = order.names[line.ticket_class_id]
            needs.add(line.ticket_class_id, has_seats=names.has_seats)


def _need_for_hold(needs: Needs, world: World, hold_id: str) -> None:
    hold = world.holds.get(hold_id)
    if hold is not None and hold.status == "held":  # one that has ended gives nothing back
        needs.add(hold.ticket_class_id, has_seats=bool(world.hold_seats[hold.id]))
