"""All connections of a process that wait for their clients, and those whose answers pile up."""

from enum import IntEnum
from math import inf
from typing import Final, Protocol

from intake.web.limits import HELD_BYTES


class Phase(IntEnum):
    """The state of a connection. When there are too many, those in the first state are closed first."""

    LEAVING = 0
    """Its client was refused, and should close it."""
    HEAD = 1
    """It waits for the request line and the headers."""
    IDLE = 2
    """It waits for the next call, or answers one: a usual call does not leave this phase."""
    BODY = 3
    """It waits for the rest of a body."""


# The members as names of their own: in Python 3.11 looking them up in the enum is slow.
LEAVING, HEAD, IDLE, BODY = Phase


class Member(Protocol):
    """A connection in the crowd; `now` is the event loop's time in seconds."""

    @property
    def idle_until(self) -> float:
        """When an idle connection will be closed; infinity while a call is worked on."""

    @property
    def held(self) -> int:
        """The number of bytes so far of the incomplete body."""

    def check(self, now: float) -> None:
        """Close it if its client took too long."""

    def check_writes(self, now: float) -> None:
        """Close it if its client does not read its answers."""

    def give_way(self) -> None:
        """Close it in favour of a newer one."""


class Crowd:
    """The connections by phase, those that entered it first being first."""

    def __init__(self) -> None:
        # Dictionaries: they keep their order, and any member leaves at once.
        self._waiting: Final[tuple[dict[Member, None], ...]] = tuple({} for _ in Phase)
        self._unread: Final[dict[Member, None]] = {}

    def move(self, member: Member, old: Phase | None, new: Phase | None) -> None:
        """Note that a connection is in another phase; None: it is closed."""
        if old is not None:
            self._waiting[old].pop(member, None)
        if new is not None:
            self._waiting[new][member] = None

    def watch_writes(self, member: Member) -> None:
        """Note that answers wait to be read: `check_writes` is called until they are."""
        self._unread[member] = None

    def forget_writes(self, member: Member) -> None:
        """Note that the client has read its answers."""
        self._unread.pop(member, None)

    def make_room(self) -> bool:
        """Close the connection that has waited longest for its client; return False if all wait for us."""
        for phase, waiting in zip(Phase, self._waiting, strict=True):
            if phase is IDLE:
                member = min(waiting, key=lambda one: one.idle_until, default=None)
                if member is not None and member.idle_until == inf:
                    member = None
            else:
                member = next(iter(waiting), None)
            if member is not None:
                member.give_way()
                return True
        return False

    def check(self, now: float) -> None:
        """Close connections whose clients took too long, and the oldest half-sent bodies beyond the limit."""
        for waiting in self._waiting:
            for member in list(waiting):
                member.check(now)
        for member in list(self._unread):
            member.check_writes(now)
        self._check_held()

    def _check_held(self) -> None:
        held = sum(member.held for member in self._waiting[BODY])
        for member in list(self._waiting[BODY]):
            if held <= HELD_BYTES:
                return
            held -= member.held
            member.give_way()
