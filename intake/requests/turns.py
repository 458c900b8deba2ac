"""Turns of answers: small groups, in turn by tenant, so that large orders do not delay other tenants."""

from collections import OrderedDict, deque
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

GROUP_TICKETS: Final = 200
"""What one group weighs at most, unless it is a single answer; an order weighs as much as its tickets."""


class Weighed(Protocol):
    """What is answered: whose it is, and how much work it is."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def weight(self) -> int: ...


T = TypeVar("T", bound=Weighed)


class Turns(Generic[T]):
    """What is to be answered, by tenants; each tenant's in the order in which it came."""

    def __init__(self) -> None:
        self._lines: OrderedDict[UUID, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, one: T) -> None:
        """Let one wait for its turn."""
        self._lines.setdefault(one.tenant_id, deque()).append(one)

    def take(self) -> list[T]:
        """Return the next group: one of each tenant in turn, until no tenant's next one fits.

        Whose next one did not fit is the first of the group after it.
        """
        group: list[T] = []
        left = GROUP_TICKETS
        later: OrderedDict[UUID, deque[T]] = OrderedDict()
        while self._lines:
            tenant_id, line = self._lines.popitem(last=False)
            if group and line[0].weight > left:
                later[tenant_id] = line
                continue
            left -= line[0].weight
            group.append(line.popleft())
            if line:
                self._lines[tenant_id] = line  # behind the others
        self._lines = later
        return group
