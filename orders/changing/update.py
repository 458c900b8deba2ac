"""`orders.update`: apply a merge patch of the order's fields, and adjust inventory and amounts."""

from datetime import datetime
from typing import Final

from orders.addresses import stored_address
from orders.batch_requests import UpdateOrder
from orders.changing.merge import MergedPatch
from orders.changing.open_order import open_order
from orders.changing.place import later_changes, place_of
from orders.changing.reprice import PRICED, before_change, check_line_prices, reprice
from orders.changing.set_lines import set_lines
from orders.errors import Invalid
from orders.money.expected_total import check_expected_total
from orders.notes import note_rows
from orders.order_change import Change
from orders.rows import NoteKind
from orders.world import World
from schemas.changes import PatchedOrder
from schemas.json import JsonObject

_ALIKE: Final = ("reference", "payment_due_at")
"""Fields that are columns of the same name."""

_NOTES: Final[dict[str, NoteKind]] = {
    "internal_notes": "internal",
    "external_notes": "external",
    "instructions": "instructions",
}


def update(world: World, request: UpdateOrder, now: datetime) -> None:
    """Apply the patch, and apply again the already decided updates that come after it.

    Raises `pydantic.ValidationError`, or the rejections of lines, prices and seats.
    """
    order = open_order(world, request)
    patch = request.body.patch
    if not order.tickets and "line_items" in patch:
        raise Invalid("the lines of a purchase order without tickets cannot change", "line_items")
    change = Change(world, request, order, now)
    place = place_of(order, request)
    merged = MergedPatch(order, patch, later_changes(order, request, place))
    _set_fields(change, merged)
    if merged.named & PRICED:
        before = before_change(order)
        if merged.requested.line_items is not None:
            check_line_prices([line.unit_price for line in merged.requested.line_items], order.row.currency)
            set_lines(change, merged.requested.line_items)
        reprice(change, merged, before)
        change.settle()
    check_expected_total(merged.requested.expected_total, order.row)
    change.finish("order.updated", patch=patch, place=place)


def _set_fields(change: Change, merged: MergedPatch) -> None:
    row, requested = change.order.row, merged.requested
    named: JsonObject = {name: getattr(requested, name) for name in _ALIKE if name in merged.named}
    if requested.buyer is not None:
        named |= {f"buyer_{name}": value for name, value in requested.buyer}
        named["buyer_email"] = stored_address(requested.buyer.email)
    if "billing_address" in merged.named:
        named["billing_address"] = _address(requested)
    # JSON values may compare equal but differ (1 and true): equal extras are not rewritten.
    if "extras" in merged.named and requested.extras != row.extras:
        named["extras"] = requested.extras or None
    if named:
        change.order.set(row._replace(**named))
    if merged.named & _NOTES.keys():
        _set_notes(change, merged)


def _address(requested: PatchedOrder) -> JsonObject | None:
    address = requested.billing_address and requested.billing_address.model_dump()
    # A patch that removes a part of an absent address leaves it absent.
    return address if address and any(part is not None for part in address.values()) else None


def _set_notes(change: Change, merged: MergedPatch) -> None:
    """Replace the notes of the named kinds, and keep the others."""
    order = change.order
    written = {(note.kind, note.text): note.created_at for note in order.notes.values()}
    others = {
        name: tuple(note.text for note in order.notes_for(is_public=False) if note.kind == kind)
        for name, kind in _NOTES.items()
        if name not in merged.named
    }
    wanted = note_rows(order.id, merged.requested.model_copy(update=others), change.now)
    for note in wanted:
        created_at = written.get((note.kind, note.text), change.now)
        order.notes.put(note.note_number, note._replace(created_at=created_at))
    # The last first, so that undoing restores their order.
    for number in sorted((number for number in order.notes if number > len(wanted)), reverse=True):
        order.notes.remove(number)
