"""The estimated work of an unread request; a small order is 1.

It decides how many requests travel and are processed together, so that no one waits long for another's large
order. A wrong guess costs others a moment, and no order.
"""

from typing import Any, Final

from willcall.kinds import CHECK_IN, CREATE, TAKE

MOST: Final = 500
"""A message says no more than that, however many tickets it asks for."""

_TICKETS: Final = 8
"""So many tickets take as long as a small order."""

_UNDONE: Final = 5
"""Undoing a check-in reads the whole order, which may be large."""

_VALUES: Final = 1_000
"""A body is not searched further than that."""


def weight_of(kind: str, body: object) -> int:
    """Return the weight of a request of this kind, 1 to `MOST`; the body may be anything.

    The size of a changed order or hold is unknown here.
    """
    if kind in (CREATE, TAKE):
        return min(1 + _tickets(body) // _TICKETS, MOST)
    if kind == CHECK_IN and isinstance(body, dict) and body.get("undo"):
        return _UNDONE
    return 1


def _tickets(body: object) -> int:
    """Return the sum of all that is called a quantity, in whatever dialect, or of the named seats."""
    waiting: list[Any] = [body]
    total = 0
    for _ in range(_VALUES):
        if not waiting:
            break
        value = waiting.pop()
        if isinstance(value, dict):
            total += max(_quantity(value.get("quantity")), _count(value.get("seats")))
            waiting.extend(one for one in value.values() if isinstance(one, dict | list))
        elif isinstance(value, list):
            waiting.extend(one for one in value if isinstance(one, dict | list))
    return total


def _quantity(given: object) -> int:
    return given if isinstance(given, int) and 0 < given <= MOST * _TICKETS else 0


def _count(seats: object) -> int:
    return len(seats) if isinstance(seats, list) else 0
