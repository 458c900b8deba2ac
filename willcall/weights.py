"""The estimated work of an unread request; a small order is 1.

It decides how many requests travel and are processed together, so that no one waits long for another's large
order. A wrong guess costs others a moment, and no order.
"""

from typing import Any, Final

from willcall.kinds import CREATE

MOST: Final = 500
"""A message says no more than that, however many tickets it asks for."""

_TICKETS: Final = 8
"""So many tickets take as long as a small order."""

_VALUES: Final = 1_000
"""A body is not searched further than that."""


def weight_of(kind: str, body: object) -> int:
    """Return the weight of a request of this kind, 1 to `MOST`; the body may be anything.

    The size of a changed order is unknown here.
    """
    return min(1 + _quantities(body) // _TICKETS, MOST) if kind == CREATE else 1


def _quantities(body: object) -> int:
    """Return the sum of all that is called a quantity, in whatever dialect."""
    waiting: list[Any] = [body]
    total = 0
    for _ in range(_VALUES):
        if not waiting:
            break
        value = waiting.pop()
        if isinstance(value, dict):
            quantity = value.get("quantity")
            total += quantity if isinstance(quantity, int) and 0 < quantity <= MOST * _TICKETS else 0
            waiting.extend(one for one in value.values() if isinstance(one, dict | list))
        elif isinstance(value, list):
            waiting.extend(one for one in value if isinstance(one, dict | list))
    return total
