"""The decisions alone, in one world that lives on from batch to batch: no database, no locks, nothing read.

What PostgreSQL does for the batches (the inbox, the waiting room) is a dictionary here. The ids of its orders
and tickets are its own: `learn` says which of the database's are the same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from db.ids import new_id
from orders.batch_requests import CheckIn, CreateOrder, Opened
from orders.catalogue.tenants import Tenant
from orders.rows import HoldRow, TicketRow
from orders.state import OrderState
from orders.steps.decide import decide
from orders.steps.validate import validated
from schemas.json import JsonObject
from schemas.requests import Request
from tests.orders.lives.snapshots import named
from tests.orders.worlds import Ids, make_offers, make_world, states

Answer = tuple[str, list[tuple[str, str | None]]]
"""How a request ends, with the codes and fields of its rejections."""

CONFLICT: Answer = ("rejected", [("idempotency_conflict", "idempotency_key")])


@dataclass
class _Known:
    """What the inbox remembers of a key."""

    kind: str
    body_hash: bytes
    answer: Answer


class PureCore:
    """A box office in memory."""

    def __init__(self, events: Sequence[Any], tenant: Tenant) -> None:
        self._ids: Ids = {}
        self._tenant = tenant
        self._world = make_world(*events, tenant=tenant, ids=self._ids)
        self._inbox: dict[str, _Known] = {}
        self._waits_since: dict[UUID, datetime] = {}
        self._numbers = 0
        self._same: dict[str, str] = {}

    def change_catalogue(self, events: Sequence[Any]) -> None:
        """Offer the same things on other terms."""
        self._world.offers = {self._tenant.id: make_offers(events, self._ids)}

    # Batches.

    def process(self, requests: Sequence[Request], now: datetime, patience: timedelta) -> list[Answer]:
        """Return the answers to a batch, as `orders.process` would give them."""
        opened = [validated(self._translated(request), self._tenant, str(new_id())) for request in requests]
        new: dict[str, Opened] = {}
        for request in opened:
            if request.key not in self._inbox:
                new.setdefault(request.key, request)
        for request in new.values():
            self._name(request)
        decide(self._world, [one for one in new.values() if not one.rejections], now)
        for request in new.values():
            if request.too_early is not None and self._has_waited(request, now) >= patience:
                request.reject(request.too_early.answer)
                request.too_early = None
            self._settle(request)
        for request in opened:
            if new.get(request.key) not in (None, request) and request.key not in self._inbox:
                self._has_waited(request, now)
        return [self._answer(request, new) for request in opened]

    def _name(self, request: Opened) -> None:
        """Do what the steps before the decision do."""
        tenant = request.tenant.id
        if isinstance(request, CreateOrder):
            self._numbers += 1
            request.number = self._numbers
            self._world.created_by[tenant, request.key] = request.new_order_id
        elif isinstance(request, CheckIn):
            tickets = [ticket for state in states(self._world) for ticket in state.tickets.values()]
            self._world.ticket_orders = {ticket.id: ticket.order_id for ticket in tickets}
            by_code = {ticket.code: ticket.id for ticket in tickets}
            named_id = request.body.ticket_id
            request.ticket_id = by_code[request.body.code] if named_id is None else str(named_id)

    def _settle(self, request: Opened) -> None:
        """Remember the outcome, or forget that the request was there, as it waits."""
        name = (request.tenant.id, request.key)
        if request.too_early is not None:
            self._world.created_by.pop(name, None)
            return
        self._world.decided_holds.add(request.id)
        if request.rejections and isinstance(request, CreateOrder):
            self._world.created_by[name] = None
        status = "rejected" if request.rejections else "processed"
        answer: Answer = (status, [(one.code, one.field) for one in request.rejections])
        self._inbox[request.key] = _Known(request.request.kind, request.body_hash, answer)

    def _answer(self, request: Opened, new: Mapping[str, Opened]) -> Answer:
        known = self._inbox.get(request.key)
        if known is None:
            return "waiting", []
        is_same = (known.kind, known.body_hash) == (request.request.kind, request.body_hash)
        return known.answer if is_same else CONFLICT

    def _has_waited(self, request: Opened, now: datetime) -> timedelta:
        return now - self._waits_since.setdefault(request.request.request_id, now)

    def _translated(self, request: Request) -> Request:
        """Return the request with our ids and codes in the place of the database's."""
        body = dict(request.body)
        for name in ("order_id", "ticket_id", "code"):
            if name in body:
                body[name] = self._same.get(body[name], body[name])
        if "ticket_ids" in body:
            body["ticket_ids"] = [self._same.get(one, one) for one in body["ticket_ids"]]
        return request._replace(body=body)

    # Comparing.

    def learn(self, orders: Mapping[str, str], tickets: Iterable[tuple[str, str, str]]) -> None:
        """Hear the ids of orders by their keys, and tickets, in their order: order's key, id and code."""
        ours = {state.row.idempotency_key: state for state in states(self._world)}
        self._same |= {id_: ours[key].id for key, id_ in orders.items()}
        left = {key: iter(_tickets(state)) for key, state in ours.items()}
        for key, id_, code in tickets:
            ticket = next(left[key])
            self._same |= {id_: ticket.id, code: ticket.code or ""}

    def state(self, now: datetime) -> JsonObject:
        """Return everything, in words that know none of our ids."""
        world = self._world
        names: dict[str, str] = {id_: name for (_, name), id_ in self._ids.items()}
        for state in states(world):
            names |= _names(state.row.idempotency_key, state.id, state.row.code, _tickets(state))
        holds = [_as_of(hold, now) for hold in world.holds.values()]
        found: JsonObject = {
            "orders": {},
            "holds": {hold.id: _hold_words(hold, names) for hold in holds},
            "sold": {names[id_]: level.sold for id_, level in world.stock.levels.items()},
            "held": {names[id_]: 0 for id_ in world.stock.levels},
            "uses": {names[id_]: use.used for id_, use in world.stock.uses.items()},
        }
        for hold in holds:
            if hold.status == "held":
                found["held"][names[hold.ticket_class_id]] += hold.quantity
        messages: dict[str, list[Any]] = {}
        for (subject, _), message in sorted(world.messages.items()):
            messages.setdefault(subject, []).append((message.type, named(json.loads(message.data), names)))
        for state in states(world):
            found["orders"][state.row.idempotency_key] = {
                "row": _row_words(state.row._asdict(), names),
                "lines": [_row_words(line._asdict(), names) for _, line in sorted(state.lines.items())],
                "tickets": [_ticket_words(state, ticket, names) for ticket in _tickets(state)],
                "payments": [_row_words(one._asdict(), names) for _, one in sorted(state.payments.items())],
                "changes": [_row_words(one._asdict(), names) for _, one in sorted(state.changes.items())],
                "events": messages[state.id],
            }
        return found


_OF_NOBODY = frozenset({"id", "number", "code", "tenant_id", "order_id", "event_id", "expires_at", "fields"})


def _names(key: str, id_: str, code: str, tickets: Iterable[Any]) -> dict[str, str]:
    names = {id_: f"order {key}", code: f"code {key}"}
    for place, ticket in enumerate(tickets):
        names |= {str(ticket.id): f"ticket {key} {place}", str(ticket.code): f"code {key} {place}"}
    return names


def _tickets(state: OrderState) -> list[TicketRow]:
    return sorted(state.tickets.values(), key=lambda ticket: (ticket.line_number, ticket.id))


def _row_words(row: Mapping[Any, Any], names: Mapping[str, str]) -> JsonObject:
    words = {str(name): named(value, names) for name, value in row.items() if name not in _OF_NOBODY}
    if "fields" in row:
        # What it was and became is in the rows; the tickets' ids are in their names.
        words["fields"] = sorted(str(named(one["field"], names)) for one in row["fields"])
    return words


def _ticket_words(state: OrderState, ticket: TicketRow, names: Mapping[str, str]) -> JsonObject:
    seat = None if ticket.seat_id is None else state.seats[ticket.seat_id].label
    return _row_words(ticket._asdict() | {"seat_id": seat}, names)


def _as_of(hold: HoldRow, now: datetime) -> HoldRow:
    """Return the hold as whoever looks at it now will leave it."""
    is_late = hold.status == "held" and hold.expires_at is not None and hold.expires_at <= now
    return hold._replace(status="expired") if is_late else hold


def _hold_words(hold: HoldRow, names: Mapping[str, str]) -> JsonObject:
    words = {name: named(value, names) for name, value in hold._asdict().items() if name != "tenant_id"}
    if hold.status == "expired":
        del words["updated_at"]  # whenever somebody looked
    return words


def state_of(connection: Connection, now: datetime) -> JsonObject:
    """Return the same of the database, which has one tenant."""
    names: dict[str, str] = {}
    for table in ("ticket_classes", "events"):
        rows = connection.execute(text(f"SELECT id::text, external_id FROM {table}"))
        names |= {row.id: row.external_id for row in rows}
    uses = connection.execute(text("SELECT id::text, code, used FROM promo_codes")).all()
    names |= {row.id: row.code for row in uses}
    orders = connection.execute(text("SELECT * FROM orders")).all()
    tickets = _by_order(
        connection,
        """SELECT t.*, s.label FROM tickets t LEFT JOIN seats s ON s.id = seat_id
        ORDER BY line_number, t.id""",
    )
    for order in orders:
        names |= _names(order.idempotency_key, str(order.id), order.code, tickets.get(order.id, ()))
    lines = _by_order(connection, "SELECT * FROM order_lines ORDER BY line_number")
    payments = _by_order(connection, "SELECT * FROM payments ORDER BY payment_number")
    changes = _by_order(connection, "SELECT * FROM order_changes ORDER BY change_number")
    events = _by_order(
        connection, "SELECT subject AS order_id, type, data FROM event_messages ORDER BY sequence"
    )
    found: JsonObject = {
        "orders": {
            order.idempotency_key: {
                "row": _row_words(order._mapping, names),
                "lines": [_row_words(line._mapping, names) for line in lines[order.id]],
                "tickets": [
                    _row_words(
                        {name: value for name, value in one._mapping.items() if name != "label"}
                        | {"seat_id": one.label},
                        names,
                    )
                    for one in tickets[order.id]
                ],
                "payments": [_row_words(one._mapping, names) for one in payments.get(order.id, ())],
                "changes": [_row_words(one._mapping, names) for one in changes.get(order.id, ())],
                "events": [(one.type, named(one.data, names)) for one in events[order.id]],
            }
            for order in orders
        },
        "holds": {},
        "uses": {row.code: row.used for row in uses},
    }
    counters = connection.execute(text("SELECT external_id, sold FROM ticket_classes")).all()
    found["sold"] = {row.external_id: row.sold for row in counters}
    found["held"] = {row.external_id: 0 for row in counters}
    for row in connection.execute(text(_HOLDS)):
        hold = _as_of(HoldRow._make(row), now)
        if hold.status == "held":
            found["held"][names[hold.ticket_class_id]] += hold.quantity
        found["holds"][hold.id] = _hold_words(hold, names)
    return found


_HOLDS = """
    SELECT id::text, tenant_id::text, ticket_class_id::text, quantity, unit_price, expires_at, status,
        order_id::text, created_at, updated_at
    FROM holds
"""


def _by_order(connection: Connection, query: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for row in connection.execute(text(query)):
        found.setdefault(row.order_id, []).append(row)
    return found
