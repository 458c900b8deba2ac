"""Conflicts of a file with sold or held tickets: each is a sentence that names the file's object."""

from collections.abc import Sequence
from typing import Final

from orders.catalogue.loading.read import StoredClass, StoredPromoCode
from orders.rows import CatalogueClassRow, CatalogueEventRow, PromoCodeRow

_NAMED: Final = 20
"""Maximum conflicts, or seats of one, that are named; the others are counted."""


class CatalogueConflict(Exception):
    """The file contradicts existing sales; the message has a line for each conflict."""

    def __init__(self, conflicts: Sequence[str]) -> None:
        more = len(conflicts) - _NAMED
        lines = [*conflicts[:_NAMED], *([f"and {more} more conflicts"] if more > 0 else [])]
        super().__init__("\n".join(lines))
        self.conflicts = tuple(conflicts)


def of_event(before: CatalogueEventRow, after: CatalogueEventRow, has_sold: bool) -> list[str]:
    """Return the conflicts of the new row of an event."""
    if before.currency == after.currency or not has_sold:
        return []
    return [
        f"event {after.external_id} is sold in {before.currency}: "
        f"its currency cannot change to {after.currency}"
    ]


def of_class(stored: StoredClass, after: CatalogueClassRow) -> list[str]:
    """Return the conflicts of the new row of a ticket class."""
    name = after.external_id
    if stored.row.event_id != after.event_id:
        return [
            f"ticket class {name} belongs to event {stored.event_external_id} "
            "and cannot move: give the new one another id"
        ]
    if after.capacity < stored.taken:
        return [
            f"ticket class {name} cannot have a capacity of {after.capacity}: {stored.taken} are sold or held"
        ]
    if stored.row.has_seats != after.has_seats and stored.taken:
        kind = "numbered seats" if stored.row.has_seats else "tickets without seats"
        return [f"ticket class {name} cannot change its kind: {stored.taken} {kind} are sold or held"]
    return []


def of_seats(name: str, taken: Sequence[str]) -> list[str]:
    """Return the conflict of removing these seats of a ticket class, by their labels."""
    if not taken:
        return []
    more = f" and {len(taken) - _NAMED} more" if len(taken) > _NAMED else ""
    noun, verb = ("seat", "is") if len(taken) == 1 else ("seats", "are")
    return [
        f"{noun} {', '.join(taken[:_NAMED])}{more} of ticket class {name} {verb} sold or held, "
        "and cannot be removed"
    ]


def of_promo_code(stored: StoredPromoCode, after: PromoCodeRow) -> list[str]:
    """Return the conflicts of the new row of a promo code."""
    if after.max_uses is None or stored.used <= after.max_uses:
        return []
    return [f"promo code {after.code} was used {stored.used} times: max_uses cannot be {after.max_uses}"]
