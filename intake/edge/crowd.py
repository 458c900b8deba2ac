"""All connections of a process that wait for their clients, and those whose answers pile up."""

from enum import IntEnum
from typing import Final, Protocol


class Phase(IntEnum):
    """What a connection waits for. When there are too many, the first kind goes first."""

    REFUSED = 0
    """That its client closes it: it was refused."""
    HEAD = 1
    """The request line and the headers."""
    IDLE = 2
    """The next call, after one that was answered."""
    BODY = 3
    """The rest of a body."""


class Member(Protocol):
    """A connection, as the crowd sees it; `now` is the event loop's time in seconds."""

    def check(self, now: float) -> None:
        """Close it if its client took too long."""

    def check_writes(self, now: float) -> None:
        """Close it if its client does not read its answers."""

    def give_way(self) -> None:
        """Close it for one that came later."""


class Crowd:
    """The connections by what they wait for, those first that have waited longest."""

    def __init__(self) -> None:
        # Dictionaries: they keep their order, and any member leaves at once.
        self._waiting: Final[tuple[dict[Member, None], ...]] = tuple({} for _ in Phase)
        self._unread: Final[dict[Member, None]] = {}

    def move(self, member: Member, old: Phase | None, new: Phase | None) -> None:
        """Note that a connection waits for something else; None: its client waits for us."""
        if old is not None:
            self._waiting[old].pop(member, None)
        if new is not None:
            self._waiting[new][member] = None

    def watch_writes(self, member: Member) -> None:
        """Note that answers pile up: `check_writes` is called until they do not."""
        self._unread[member] = None

    def forget_writes(self, member: Member) -> None:
        """Note that the client has read its answers."""
        self._unread.pop(member, None)

    def make_room(self) -> bool:
        """Close the connection that has waited longest for its client; False if all wait for us."""
        for waiting in self._waiting:
            for member in waiting:
                member.give_way()
                return True
        return False

    def check(self, now: float) -> None:
        """Close all whose clients took too long."""
        for waiting in self._waiting:
            for member in list(waiting):
                member.check(now)
        for member in list(self._unread):
            member.check_writes(now)
