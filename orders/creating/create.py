"""`orders.create`: create an order with its tickets, payments and notes."""

from dataclasses import replace
from datetime import datetime
from itertools import islice

from db.ids import ids_of_request
from orders.batch_requests import CreateOrder
from orders.creating.allocate import allocate
from orders.creating.fraud import check_fraud
from orders.creating.make import make_order, render_new, seated
from orders.creating.purchase import make_purchase, owner_of
from orders.creating.quote import quote_order
from orders.creating.ticket_groups import add_inventory, makes_ticket_groups, open_ticket_groups
from orders.creating.trade import group_of, no_trade, replaced_order, trade_row, with_parties
from orders.inventory.seating import check_ticket_count
from orders.new_order import NewOrder
from orders.order_change import Change
from orders.running_hold import fill_in
from orders.state import OrderState
from orders.world import World


def create(world: World, request: CreateOrder, now: datetime) -> None:
    """Create the requested order, whole or not at all.

    Raises the rejections of names, prices, totals, seats and holds, and `NotYet` for a hold that may still be
    taken.
    """
    new = request.ahead or _make(world, request, now)
    if not makes_ticket_groups(new.quote.order):
        chosen = allocate(world, new.quote, request.new_order_id, now)
        if chosen:
            tickets, seats = seated(new, chosen)
            new = replace(new, tickets=tickets, seats=seats)
    request.order_id = request.new_order_id
    _add(world, new, now)


def _make(world: World, request: CreateOrder, now: datetime) -> NewOrder:
    """Return the order in the current world, with its holds, its group and its new inventory."""
    tenant = request.tenant
    original = replaced_order(world, request)
    order, holds = fill_in(world, request.body, tenant.id, now)
    check_ticket_count((item.quantity for item in order.line_items), tenant.max_tickets)
    offers = world.offers[tenant.id]
    if original is not None:
        order = with_parties(order, original, offers)
    is_maker = makes_ticket_groups(order)
    if is_maker:
        order, offers = open_ticket_groups(world, request, order, now)
    quote = quote_order(request, order, offers, holds, now)
    fraud = check_fraud(world, request, quote, now)
    if is_maker:
        add_inventory(world, request, quote, now)
    owner = owner_of(quote)
    purchase_id = None if owner is None else _purchase_id(request, now)
    group_id = None if original is None else group_of(original)
    if owner is not None and purchase_id is not None:
        group_id = group_id or request.new_order_id
        _add(world, make_purchase(request, quote, owner, purchase_id, group_id, now), now)
    if original is not None:
        _join_group(world, request, original, now)
    return make_order(
        quote,
        order_id=request.new_order_id,
        number=request.number,
        key=request.key,
        tenant=tenant,
        # A purchase that creates inventory takes none: it has no tickets.
        ticket_ids=() if is_maker else ids_of_request(request.id, now, "tickets"),
        now=now,
        trade=trade_row(request.new_order_id, quote.order, group_id, request.substitutes, purchase_id),
        fraud=fraud,
    )


def _purchase_id(request: CreateOrder, now: datetime) -> str:
    """Return the id of a sale's purchase order: the sale's plus one."""
    _, purchase_id = islice(ids_of_request(request.id, now, "orders"), 2)
    return purchase_id


def _add(world: World, new: NewOrder, now: datetime) -> None:
    """Add the order's rows and its event message."""
    world.new_orders.put(new.order.id, new)
    data = new.message_json or render_new(new)
    world.add_encoded_message(new.order.id, 1, new.order.tenant_id, "order.confirmed", data, now)


def _join_group(world: World, request: CreateOrder, original: OrderState, now: datetime) -> None:
    """Set the group of the replaced order, which it shares with the new one."""
    trade = original.trade or no_trade(original.id)
    if trade.order_group_id is None:
        change = Change(world, request, original, now)
        original.set_trade(trade._replace(order_group_id=group_of(original)))
        change.finish()
