"""Worlds made by hand, without a database: of the same dictionaries as a catalogue file."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db.ids import new_id
from orders.batch_requests import CheckIn, CreateOrder, Opened
from orders.catalogue.prices import EventOffer, Offers, PromoCodeOffer, TaxRule, TicketClassOffer
from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey, code_scope
from orders.inventory.seating import Seat
from orders.state import OrderState
from orders.steps.decide import decide
from orders.steps.validate import validated
from orders.world import World
from schemas.catalogue import Catalogue, Event, TicketClass, promo_code_key
from schemas.requests import Request
from tests.factories import NOW, make_event, make_request

Ids = dict[tuple[str, str], str]
"""The ids of what a catalogue names, by what it is and the catalogue's own id."""

_KEY = TicketKey.generate()


def make_tenant(**changes: Any) -> Tenant:
    values: dict[str, Any] = {
        "id": str(UUID(int=1)),
        "name": "demo",
        "key": _KEY,
        "group_secret": b"secret",
        "issues_on_payment": False,
        "cancels_unpaid": False,
        "fraud_rules": None,
    }
    return Tenant(**(values | changes))


def make_offers(events: Sequence[Any], ids: Ids) -> Offers:
    """Return what a catalogue of these events offers; ids that are not known yet are made."""
    found = Catalogue.model_validate({"tenant": "demo", "events": events})
    classes: dict[str, TicketClassOffer] = {}
    promo_codes: dict[str, list[PromoCodeOffer]] = {}
    for event in found.events:
        event_offer = _event_offer(event, ids)
        for one in event.ticket_classes:
            classes[one.id] = _class_offer(one, event_offer, ids)
        for promo_code in event.promo_codes:
            promo_codes.setdefault(promo_code_key(promo_code.code), []).append(
                PromoCodeOffer(
                    _id(ids, f"promo code of {event.id}", promo_code.code),
                    event_offer.id,
                    promo_code.code,
                    promo_code.percent,
                    promo_code.amount,
                )
            )
    return Offers(classes, promo_codes, {event.id: event.id for event in found.events})


def make_world(*events: Any, tenant: Tenant | None = None, ids: Ids | None = None) -> World:
    """Return a world in which nothing of the catalogue is sold yet, and everything of it is loaded."""
    tenant = tenant or make_tenant()
    ids = {} if ids is None else ids
    world = World()
    world.offers = {tenant.id: make_offers(events or (make_event(),), ids)}
    found = Catalogue.model_validate({"tenant": "demo", "events": events or (make_event(),)})
    free, uses, seats = {}, {}, {}
    for event in found.events:
        for one in event.ticket_classes:
            class_id = _id(ids, "ticket class", one.id)
            free[class_id] = one.total_capacity()
            seats[class_id] = [
                Seat(str(new_id()), label, position) for position, label in one.seat_positions()
            ]
        for promo_code in event.promo_codes:
            uses[_id(ids, f"promo code of {event.id}", promo_code.code)] = promo_code.max_uses
    world.stock.add_loaded(free, uses, seats)
    return world


def make_existing_order(
    world: World, *, tenant: Tenant | None = None, now: datetime = NOW, **changes: Any
) -> OrderState:
    """Return an order of this world, made by `orders.create`; what is new in it belongs to the world."""
    request = opened(world, make_request(**changes), tenant=tenant)
    decide(world, [request], now)
    assert not request.rejections, request.rejections
    assert request.order_id is not None
    state = world.order(request.order_id)
    assert state is not None
    return state


def opened(world: World, request: Request, *, tenant: Tenant | None = None, number: int = 1) -> Opened:
    """Return the request as the steps before the decision make it; of a scan, with its ticket."""
    found = validated(request, tenant or make_tenant(), str(new_id()))
    if isinstance(found, CreateOrder):
        found.number = number
        if found.body.substitutes is not None:
            found.substitutes = str(found.body.substitutes)
        world.created_by[found.tenant.id, found.key] = found.new_order_id
    if isinstance(found, CheckIn):
        tickets = [ticket for state in states(world) for ticket in state.tickets.values()]
        world.ticket_orders = {ticket.id: ticket.order_id for ticket in tickets}
        codes = {ticket.code: ticket.id for ticket in tickets}
        found.ticket_id = (
            codes.get(found.body.code) if found.body.ticket_id is None else str(found.body.ticket_id)
        )
    return found


def states(world: World) -> list[OrderState]:
    """Return all orders of the world, open."""
    for id_ in list(world.new_orders):
        world.order(id_)
    return list(world.orders.states.values())


def _event_offer(event: Event, ids: Ids) -> EventOffer:
    rule = event.tax
    tax = None if rule is None else TaxRule(rule.rate, rule.is_included, rule.rounding)
    id_ = _id(ids, "event", event.id)
    return EventOffer(
        id_,
        event.id,
        event.currency,
        tax,
        event.starts_at,
        event.ends_at,
        event.on_sale_from,
        event.on_sale_until,
    )


def _class_offer(one: TicketClass, event: EventOffer, ids: Ids) -> TicketClassOffer:
    id_ = _id(ids, "ticket class", one.id)
    scope = code_scope(
        event_id=UUID(event.id),
        ticket_class_id=UUID(id_),
        valid_from=event.starts_at,
        valid_until=event.ends_at,
    )
    return TicketClassOffer(
        id=id_,
        external_id=one.id,
        event=event,
        price=one.price,
        has_seats=bool(one.seats),
        free=one.total_capacity(),
        code_scope=scope,
        office=one.office,
        cost=one.price if one.cost is None else one.cost,
    )


def _id(ids: Ids, what: str, name: str) -> str:
    return ids.setdefault((what, name), str(new_id()))
