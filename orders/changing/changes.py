"""The requests of a batch that change orders: each applied in memory, all written together."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, text

from db.bulk import array
from db.tables import order_changes, orders
from orders.catalogue.offers import Offers
from orders.catalogue.tenants import Tenant
from orders.changing.cancel import cancel
from orders.changing.change import Change
from orders.changing.check_in import check_in
from orders.changing.pay import record_payment
from orders.changing.saving import save_orders
from orders.changing.status import check_changeable
from orders.changing.update import update
from orders.creating.purchasing import cancel_purchase
from orders.creating.trading import replace_order
from orders.draft import Draft
from orders.errors import RejectedRequest, UnknownOrder, VersionConflict
from orders.inventory.seating import labels_from
from orders.inventory.stock import Needs, Stock
from orders.order_state import OrderState, read_orders, select_orders
from orders.outbox import EventMessage
from orders.reading.history import changed_fields, later_patches
from orders.render import Words, to_json
from schemas.changes import CancelRequest, OrderReference, PaymentRecord, UpdateRequest
from schemas.check_in import CheckInRequest
from schemas.events import EventType
from schemas.outcomes import rejections_of
from schemas.requests import CANCEL, UPDATE
from schemas.text import is_storable

# In id order, before any hold or ticket class: two batches for the same orders must not deadlock.
_LOCK = text("""
    SELECT id FROM orders WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
""")

_SET_ORDER = text("""
    UPDATE requests SET order_id = changed.order_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:order_ids AS uuid[])) AS changed (id, order_id)
    WHERE requests.id = changed.id
""")


def lock_orders(
    connection: Connection, drafts: Sequence[Draft], beside: Iterable[str] = ()
) -> dict[str, OrderState]:
    """Lock the orders that the drafts change, and those beside them, that are there; return them by id."""
    ids = {draft.order_id for draft in drafts} | set(beside)
    if not ids:
        return {}
    found = connection.scalars(_LOCK, {"ids": array(ids)}).all()
    return read_states(connection, found)


def read_states(connection: Connection, ids: Sequence[Any]) -> dict[str, OrderState]:
    """Return the orders of these ids, by id."""
    if not ids:
        return {}
    return {state.id: state for state in read_orders(connection, select_orders().where(orders.c.id.in_(ids)))}


def class_names(drafts: Sequence[Draft], states: Mapping[str, OrderState]) -> set[tuple[str, str]]:
    """Return the ticket classes, as tenant and external id, that the drafts may take from or give to."""
    names = {
        (str(state.row["tenant_id"]), line["external_id"])
        for state in states.values()
        for line in state.lines
    }
    for draft in drafts:
        if isinstance(draft.asked, UpdateRequest):
            names |= {(draft.tenant_id, name) for name, _, _ in _patched_lines(draft.asked)}
    return names


def add_needs(
    needs: Needs,
    drafts: Sequence[Draft],
    states: Mapping[str, OrderState],
    offers: Mapping[str, Offers],
) -> None:
    """Add what has to be locked before the drafts can change orders."""
    for state in states.values():
        for line in state.lines:
            class_id = str(line["ticket_class_id"])
            needs.ticket_classes.add(class_id)
            if line["has_seats"]:
                needs.seats[class_id] += 0
    for draft in drafts:
        if isinstance(draft.asked, UpdateRequest):
            for name, quantity, labels in _patched_lines(draft.asked):
                offer = offers[draft.tenant_id].ticket_classes.get(name)
                if offer is not None:
                    needs.ticket_classes.add(offer.id)
                    if offer.has_seats:
                        needs.seats[offer.id] += quantity
                        needs.labels.update((offer.id, label) for label in labels)


def _patched_lines(asked: UpdateRequest) -> list[tuple[str, int, list[str]]]:
    """Return class, quantity and wished seats of the lines in a patch that is not validated yet."""
    lines = asked.patch.get("line_items")
    found = []
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict) and _can_be_sought(line.get("ticket_class_id")):
            quantity = line.get("quantity")
            count = quantity if isinstance(quantity, int) and 0 < quantity <= 1_000 else 0
            found.append((line["ticket_class_id"], count, _labels(line, count)))
    return found


def _labels(line: Mapping[str, Any], count: int) -> list[str]:
    seats, low_seat = line.get("seats"), line.get("low_seat")
    if isinstance(seats, list):
        return [seat for seat in seats if _can_be_sought(seat)]
    if isinstance(low_seat, str) and _can_be_sought(low_seat):
        return labels_from(
            low_seat, "odd_even" if line.get("seat_order") == "odd_even" else "consecutive", count
        )
    return []


def _can_be_sought(name: Any) -> bool:
    """Say whether a name can be one of the catalogue's; what else is wrong with it, validation says."""
    return isinstance(name, str) and len(name) <= 200 and is_storable(name)


def apply_changes(
    connection: Connection,
    drafts: Sequence[Draft],
    states: dict[str, OrderState],
    tickets: Mapping[int, UUID],
    *,
    stock: Stock,
    offers: Mapping[str, Offers],
    tenants: Mapping[str, Tenant],
    now: datetime,
    replacing: Sequence[Draft] = (),
) -> list[EventMessage]:
    """Apply the drafts in the order in which they were accepted, write the orders; return what to tell.

    A draft is applied whole or rejected. One that names a version that is not there yet waits. First
    come new orders that replace others, for which these are changed, too.
    """
    later = later_patches(connection, [draft for draft in drafts if _is_undated(draft)])
    told: list[EventMessage] = []
    log: list[Words] = []
    changed: dict[str, OrderState] = {}
    for draft in replacing:
        assert draft.order is not None  # noqa: S101 - it was made
        state = states[str(draft.order.substitutes)]
        before = deepcopy(state)
        change = Change(draft, state, stock, offers[draft.tenant_id], tenants[draft.request.tenant], now)
        if replace_order(state):
            told += _tell(change)
            log.append(_log(change, before))
            changed[state.id] = state
    for draft in sorted(drafts, key=_accepted):
        found = states.get(draft.order_id)
        if found is None:
            draft.reject(UnknownOrder("its order was rejected", "order_key"))
            continue
        state = found
        before, mark = deepcopy(state), stock.mark()
        change = Change(draft, state, stock, offers[draft.tenant_id], tenants[draft.request.tenant], now)
        try:
            _check(draft, state)
            if draft.is_waiting:
                continue
            if _apply(change, tickets, later.get(draft.request.request_id, ())):
                for one, was in ((change, before), *cancel_purchase(change, states)):
                    told += _tell(one)
                    log.append(_log(one, was))
                    changed[one.state.id] = one.state
        except ValidationError as error:
            draft.rejections = rejections_of(error)
        except RejectedRequest as error:
            draft.reject(error)
        if draft.is_rejected:
            states[draft.order_id] = before
            if before.id in changed:
                changed[before.id] = before
            stock.restore(mark)
    save_orders(connection, list(changed.values()))
    if log:
        connection.execute(order_changes.insert(), log)
    _set_orders(connection, [draft for draft in drafts if not draft.is_rejected and not draft.is_waiting])
    return told


def _is_undated(draft: Draft) -> bool:
    """Say whether an update leaves it to its acceptance where it belongs: it names no version."""
    return isinstance(draft.asked, UpdateRequest) and draft.asked.expected_version is None


def _accepted(draft: Draft) -> tuple[bool, int]:
    """Sort by acceptance: the intake's ids ascend with time (UUIDv7); others keep their order."""
    id_ = draft.request.request_id
    return (True, 0) if id_.version != 7 else (False, id_.int)


def _check(draft: Draft, state: OrderState) -> None:
    check_changeable(state.row["status"], draft.request.kind)
    expected = draft.asked.expected_version if isinstance(draft.asked, OrderReference) else None
    if expected is None:
        return
    version = state.row["version"]
    if expected > version:
        draft.is_waiting = True  # what makes that version is on its way
    elif expected < version:
        raise VersionConflict(f"the order has version {version}, not {expected}", "expected_version")


def _apply(change: Change, tickets: Mapping[int, UUID], later: Sequence[Any]) -> bool:
    asked = change.draft.asked
    if isinstance(asked, UpdateRequest):
        return update(change, asked, later)
    if isinstance(asked, CancelRequest):
        return cancel(change, asked)
    if isinstance(asked, PaymentRecord):
        return record_payment(change, asked)
    assert isinstance(asked, CheckInRequest)  # noqa: S101 - there are no others
    return check_in(change, asked, tickets[id(change.draft)])


def _tell(change: Change) -> list[EventMessage]:
    """Count the change; return its event messages, that of the order first."""
    row = change.state.row
    row["version"] += 1
    row["updated_at"] = change.now
    told: list[tuple[EventType, Words]] = list(change.told)
    if change.draft.request.kind in (UPDATE, CANCEL):
        kind: EventType = "order.cancelled" if row["status"] == "cancelled" else "order.updated"
        told.insert(0, (kind, change.state.words(is_public=True)))
    elif not told:
        told.append(("order.updated", change.state.words(is_public=True)))
    messages = []
    for type_, data in told:
        row["last_sequence"] += 1
        messages.append(
            EventMessage(
                change.draft.tenant_id,
                type_,
                change.state.id,
                row["last_sequence"],
                to_json(data).decode(),
            )
        )
    return messages


def _log(change: Change, before: OrderState) -> Words:
    fields = changed_fields(before.words(), change.state.words())
    asked = change.draft.asked
    return {
        "order_id": change.state.row["id"],
        "change_number": change.state.row["version"],
        "request_id": change.draft.request.request_id,
        "kind": change.draft.request.kind,
        "changed_by": change.draft.request.by,
        "changed_at": change.now,
        "patch": asked.patch if isinstance(asked, UpdateRequest) else None,
        "fields": orjson.loads(to_json(fields)),
    }


def _set_orders(connection: Connection, drafts: Sequence[Draft]) -> None:
    if drafts:
        connection.execute(
            _SET_ORDER,
            {
                "ids": array(draft.request_id for draft in drafts),
                "order_ids": array(draft.order_id for draft in drafts),
            },
        )
