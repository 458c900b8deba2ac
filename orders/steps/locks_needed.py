"""The locks that a batch needs: the ticket classes, seats and promo codes that it may take or return."""

from orders.batch_requests import (
    CancelOrder,
    ChangeOrder,
    CreateOrder,
    ExpireOrder,
    ExtendHold,
    ReleaseHold,
    TakeHold,
    UpdateOrder,
)
from orders.catalogue.prices import Offers
from orders.holding.take import quantity_of
from orders.inventory.seating import wished_labels
from orders.inventory.stock import StockNeeds
from orders.money.promo_terms import uses_of
from orders.steps.look_up import Named
from orders.world import World
from schemas.catalogue import promo_code_key
from schemas.changes import PatchedLine, well_formed_lines


def needs_of(world: World, named: Named) -> StockNeeds:
    """Return the rows to lock before the requests are decided."""
    needs = StockNeeds()
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


def lines_of(world: World, request: UpdateOrder) -> list[PatchedLine]:
    """Return the lines that the update may merge: its own, and those of updates that come after it."""
    order = world.orders.states.get(order_id_of(world, request) or "")
    placed = () if order is None else order.changes.values()
    later = [change.patch["line_items"] for change in placed if change.patch and "line_items" in change.patch]
    return [*request.lines, *(line for items in later for line in well_formed_lines(items))]


def _need_for_order(needs: StockNeeds, world: World, request: CreateOrder, offers: Offers) -> None:
    events = set()
    is_event_open = False
    for item in request.body.line_items:
        if item.hold_id is not None:
            # The hold determines the event of the line, and may be taken by the same batch.
            is_event_open = True
            _need_for_hold(needs, world, str(item.hold_id))
        offer = offers.ticket_classes.get(item.ticket_class_id)
        if offer is not None:
            labels = wished_labels(item, item.quantity)
            needs.add_offer(offer, seats=item.quantity, labels=labels)
            events.add(offer.event.id)
        else:
            is_event_open = True  # the batch may make it
    for promo_code in offers.promo_codes.get(promo_code_key(request.body.promo_code or ""), ()):
        if is_event_open or promo_code.event_id in events:
            needs.promo_codes.add(promo_code.id)


def _need_for_update(needs: StockNeeds, world: World, request: UpdateOrder, offers: Offers) -> None:
    """Add the needs of an update; one without lines takes no inventory, and waits for no lock of it."""
    order_id = order_id_of(world, request)
    if "total_discount" in request.body.patch:
        _need_promo_codes(needs, world, order_id)  # the order may give its code up
    if order_id is None and request.body.order_id is not None:
        return  # no such order; the id of an order that the batch creates is not known to senders yet
    lines = lines_of(world, request)
    if not lines:
        return
    _need_for_lines(needs, world, order_id)
    for line in lines:
        offer = offers.ticket_classes.get(line.ticket_class_id)
        if offer is not None:
            labels = wished_labels(line, line.quantity)
            needs.add_offer(offer, seats=line.quantity, labels=labels)


def _need_for_cancellation(needs: StockNeeds, world: World, order_id: str | None) -> None:
    order = world.orders.states.get(order_id or "")
    if order is not None:
        _need_for_lines(needs, world, order_id)
        _need_promo_codes(needs, world, order_id)
        if order.trade is not None:
            _need_for_lines(needs, world, order.trade.counterpart_id)


def _need_promo_codes(needs: StockNeeds, world: World, order_id: str | None) -> None:
    order = world.orders.states.get(order_id or "")
    if order is not None:
        needs.promo_codes.update(uses_of(order.row.promo_terms))


def _need_for_lines(needs: StockNeeds, world: World, order_id: str | None) -> None:
    order = world.orders.states.get(order_id or "")
    if order is not None and order.is_whole:
        for line in order.open_lines():
            names = order.names[line.ticket_class_id]
            needs.add(line.ticket_class_id, has_seats=names.has_seats)


def _need_for_hold(needs: StockNeeds, world: World, hold_id: str) -> None:
    hold = world.holds.get(hold_id)
    if hold is not None and hold.status == "held":  # one that has ended gives nothing back
        needs.add(hold.ticket_class_id, has_seats=bool(world.hold_seats[hold.id]))
