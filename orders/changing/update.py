"""`orders.update`: a merge patch of the order's terms, with the inventory and the money that follow."""

from datetime import datetime

from orders.change import Change
from orders.changing.merge import Terms
from orders.changing.open_order import open_order
from orders.changing.place import later_changes, place_of
from orders.changing.reprice import PRICED, before_change, check_line_prices, reprice
from orders.changing.set_lines import set_lines
from orders.errors import Invalid
from orders.notes import note_rows
from orders.requests import UpdateOrder
from orders.rows import Words
from orders.world import World
from schemas.changes import OrderWords


def update(world: World, request: UpdateOrder, now: datetime) -> None:
    """Change what the patch names, and what was decided already but comes after it once more.

    Raises `pydantic.ValidationError`, or what refuses a line, a price or a seat.
    """
    order = open_order(world, request)
    patch = request.body.patch
    if not order.tickets and "line_items" in patch:
        raise Invalid("a purchase order without tickets keeps its lines", "line_items")
    change = Change(world, request, order, now)
    place = place_of(order, request)
    terms = Terms(order, patch, later_changes(order, request, place))
    before = before_change(order)
    if terms.lines is not None:
        check_line_prices([line.unit_price for line in terms.lines], order.row.currency)
        set_lines(change, terms.lines)
    _set_words(change, terms.words, terms.named)
    if terms.named & PRICED:
        reprice(change, terms, before)
    change.settle()
    change.finish("order.updated", patch=patch, place=place)


def _set_words(change: Change, words: OrderWords, named: set[str]) -> None:
    order, buyer = change.order, words.buyer
    row = order.row
    # JSON may be equal and not alike (1 and true): what is equal stays as it is written.
    extras = row.extras if words.extras == row.extras else words.extras
    order.set(
        row._replace(
            buyer_first_name=buyer.first_name,
            buyer_last_name=buyer.last_name,
            buyer_email=buyer.email,
            buyer_company=buyer.company,
            buyer_phone=buyer.phone,
            billing_address=_address(words),
            reference=words.reference,
            payment_due_at=words.payment_due_at,
            extras=extras or None,
        )
    )
    if named & {"internal_notes", "external_notes", "instructions"}:
        _set_notes(change, words)


def _address(words: OrderWords) -> Words | None:
    address = words.billing_address and words.billing_address.model_dump()
    # A patch that takes a part out of no address leaves none.
    return address if address and any(part is not None for part in address.values()) else None


def _set_notes(change: Change, words: OrderWords) -> None:
    order = change.order
    written = {(note.kind, note.text): note.created_at for note in order.notes.values()}
    wanted = note_rows(order.id, words, change.now)
    for note in wanted:
        created_at = written.get((note.kind, note.text), change.now)
        order.notes.put(note.note_number, note._replace(created_at=created_at))
    for number in [number for number in order.notes if number > len(wanted)]:
        order.notes.remove(number)
