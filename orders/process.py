"""The path of a batch: requests in, outcomes out, one transaction.

validate → dedupe → find → price → allocate → persist → change → outbox. Each step works on the whole
list, so that the number of SQL statements does not grow with it; a request that a step rejects goes no
further, and its neighbours never notice. Locks are taken in one order: idempotency keys, orders, holds,
ticket classes, promo codes, each by id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from db.ids import new_ids
from orders import inbox
from orders.answers import dead_letter, outcomes_of, told_of, told_of_conflicts
from orders.catalogue.finding import Names, load_offers, names_of
from orders.catalogue.offers import Offers, Pick, pick, with_event
from orders.catalogue.tenants import Tenant, load_tenants
from orders.changing import changes as order_changes
from orders.changing.changes import apply_changes, lock_orders, read_states
from orders.changing.finding import find_orders
from orders.creating.allocation import allocate, looks_free, needs_of, seat
from orders.creating.fraud import check_fraud, write_verdicts
from orders.creating.purchasing import open_purchases
from orders.creating.rows import make_rows, write_rows
from orders.creating.ticket_groups import Made, add_inventory, open_ticket_groups, with_made
from orders.creating.trading import at_cost, check_owner, find_replaced, join_groups, orders_beside
from orders.draft import Draft, alive, of_kind
from orders.errors import RejectedRequest
from orders.holding import requests as holding
from orders.holding.holds import Hold, fill_in, lock_holds, write_holds
from orders.inventory.signatures import signed_quantity
from orders.inventory.stock import lock_stock
from orders.money.pricing import price_order
from orders.order_state import OrderState
from orders.outbox import EventMessage, tell
from orders.recovery.dead_letters import bury
from orders.recovery.waiting import PATIENCE, keep_waiting, wait_for_holds
from orders.validation import open_draft
from schemas.orders import OrderRequest
from schemas.outcomes import Outcome
from schemas.requests import CHANGES, CREATE, HOLDS, Request


def process(
    connection: Connection, requests: Sequence[Request], *, now: datetime, patience: timedelta = PATIENCE
) -> list[Outcome]:
    """Return the outcome of each request, in their order; the caller commits.

    A request of an unknown tenant has nobody to answer to, and becomes a dead letter. One that came before
    the order that it names waits, as a row, for as long as `patience` allows.
    """
    tenants = load_tenants(connection, (request.tenant for request in requests))
    known = [request for request in requests if request.tenant in tenants]
    drafts = [
        open_draft(request, tenants[request.tenant].id, order_id)
        for request, order_id in zip(known, new_ids(len(known)), strict=True)
    ]
    first, others = inbox.claim(connection, drafts, now) if drafts else ([], [])

    valid = alive(first)
    told = _take_effect(connection, valid, tenants, now)
    waiting = keep_waiting(connection, valid, others, now, patience)
    inbox.reject_late(connection, [draft for draft in valid if draft.is_rejected])

    answered = [draft for draft in first if not draft.is_waiting]
    repeats = inbox.find_repeats(connection, [draft for draft in others if not draft.is_waiting], now)
    tell(connection, [*told_of(answered), *told, *told_of_conflicts(repeats)], now)
    outcomes = outcomes_of(answered, repeats) | waiting
    unanswerable = [request for request in requests if id(request) not in outcomes]
    bury(connection, (dead_letter(request, tenants) for request in unanswerable), now)
    return [outcomes.get(id(request)) or Outcome(request.request_id, "dead") for request in requests]


def _take_effect(
    connection: Connection, valid: Sequence[Draft], tenants: Mapping[str, Tenant], now: datetime
) -> list[EventMessage]:
    """Do what the requests ask, holds first, then new orders, then changes; return what changes tell."""
    creations, changes = of_kind(valid, CREATE), of_kind(valid, *CHANGES)
    holdings = of_kind(valid, *HOLDS)
    scans = find_orders(connection, changes)
    found = _found(changes)
    find_replaced(connection, creations)
    creations = alive(creations)
    states = lock_orders(connection, found, orders_beside(connection, creations, found))
    holds = lock_holds(connection, holding.holds_needed(valid))
    creations = wait_for_holds(connection, creations, holds, holdings, now)
    _use_holds(creations, holds, now)
    join_groups(alive(creations), states)
    names = _names(alive(creations), changes, holdings, states)
    offers = load_offers(connection, names, {draft.tenant_id for draft in valid})
    inventory = open_ticket_groups(connection, alive(creations))
    _price(alive(creations), offers, inventory, tenants)
    check_fraud(connection, alive(creations), tenants, now)
    priced = alive(creations)
    purchases = open_purchases(connection, priced)
    make_rows([*looks_free(priced), *purchases.values()], tenants, now)

    served = [draft for draft in priced if draft.has_tickets]
    needs = needs_of(served)
    holding.add_needs(needs, holdings, offers, holds)
    order_changes.add_needs(needs, changes, states, offers)
    # From here to the commit this batch holds the locks of the ticket classes it sells.
    stock = lock_stock(connection, needs, now)
    for hold_id in stock.expired & holds.keys():
        holds[hold_id].status = "expired"
    holding.set_aside(holdings, stock, offers, holds, now)
    allocate(stock, served)
    add_inventory(connection, alive(priced))
    confirmed = alive(priced)
    make_rows([draft for draft in confirmed if draft.rows is None], tenants, now)
    for draft in confirmed:
        seat(draft)
    bought = [purchases[draft.order_id] for draft in confirmed if draft.order_id in purchases]
    write_rows(connection, [*confirmed, *bought])
    write_verdicts(connection, confirmed, now)
    unmade = inventory.keys() | {draft.order_id for draft in valid if draft.order and draft.is_waiting}
    for draft in changes:
        # Its order waits, or was bought: what this batch adds to the catalogue only the next one reads.
        draft.is_waiting = draft.is_waiting or (draft.order_id in unmade and not draft.is_rejected)
    found = _found(changes)
    if found:
        made = {draft.order_id: draft.counterpart_id for draft in confirmed}
        named = [draft.order_id for draft in found if draft.order_id in made]
        states |= read_states(connection, [*named, *(made[id_] for id_ in named if made[id_])])
    told = apply_changes(
        connection,
        found,
        states,
        scans,
        stock=stock,
        offers=offers,
        tenants=tenants,
        now=now,
        replacing=[draft for draft in confirmed if draft.order_group_id is not None],
    )
    stock.write(connection)
    write_holds(connection, holds.values(), now)
    return [*told_of(bought), *told]


def _found(changes: Sequence[Draft]) -> list[Draft]:
    return [draft for draft in alive(changes) if not draft.is_waiting]


def _names(
    creations: Sequence[Draft],
    changes: Sequence[Draft],
    holdings: Sequence[Draft],
    states: Mapping[str, OrderState],
) -> Names:
    names = names_of(creations)
    names.ticket_classes.update(order_changes.class_names(changes, states), holding.class_names(holdings))
    names.promo_codes.update(
        (str(state.row["tenant_id"]), state.row["promo_code"])
        for state in states.values()
        if state.row["promo_code"] is not None
    )
    return names


def _use_holds(drafts: Sequence[Draft], holds: Mapping[str, Hold], now: datetime) -> None:
    for draft in drafts:
        assert draft.order is not None  # noqa: S101 - only well-formed requests come here
        try:
            draft.order, draft.holds = fill_in(draft.order, holds, draft.tenant_id, now)
        except RejectedRequest as error:
            draft.reject(error)


def _price(
    drafts: Sequence[Draft],
    offers: Mapping[str, Offers],
    inventory: Mapping[str, Made],
    tenants: Mapping[str, Tenant],
) -> None:
    for draft in drafts:
        assert draft.order is not None  # noqa: S101 - only well-formed requests come here
        try:
            offered = with_made(offers[draft.tenant_id], inventory.get(draft.order_id))
            draft.order = with_event(draft.order, offered)
            draft.picked = pick(draft.order, offered)
            check_owner(draft.order, draft.picked)
            if draft.order.is_purchase and draft.request.may_set_price:
                draft.picked = at_cost(draft.picked)
            if draft.holds:
                draft.picked = holding.at_held_prices(draft.picked, draft.holds)
            draft.signed = _signed(draft.order, draft.picked, tenants[draft.request.tenant])
            draft.priced = price_order(draft.order, draft.picked, may_set_price=draft.request.may_set_price)
        except RejectedRequest as error:
            draft.reject(error)


def _signed(order: OrderRequest, picked: Pick, tenant: Tenant) -> dict[int, int]:
    return {
        index: signed_quantity(
            item.ticket_group_signature, tenant.key, offer, f"line_items.{index}.ticket_group_signature"
        )
        for index, (item, offer) in enumerate(zip(order.line_items, picked.offers, strict=True))
        if item.ticket_group_signature is not None
    }
