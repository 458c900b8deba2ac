"""Which of the versions that are made is good for a call: an order may change faster than they are made."""

from typing import NamedTuple

from intake.documents.store import Stored


class Content(NamedTuple):
    """What there is to send."""

    version: str
    bytes: int


class Asking:
    """What one call has seen since it came in."""

    def __init__(self) -> None:
        self._first: str | None = None
        self._now: str | None = None
        self._has_asked = False
        self._before: str | None = None
        self._recent: set[str] = set()
        self._content: Content | None = None

    def look(self, found: Stored | None, version: str) -> Content | None:
        """Note what there is, and the order's version of now; return what shows all of before the call."""
        self._first = self._first or version
        self._now = version
        self._content = None
        if found is None or found.version is None or found.bytes is None:
            return None
        self._content = Content(found.version, found.bytes)
        if found.is_recent:
            self._recent.add(found.version)
        is_begun_since = self._has_asked and found.version != self._before
        return self._content if is_begun_since or found.version in (version, self._first) else None

    def has_asked(self, found: Stored | None) -> None:
        """Note that the call has asked for another one than there is: the next one is begun after that."""
        self._has_asked = True
        self._before = None if found is None else found.version

    def second_best(self) -> Content | None:
        """Return the document made shortly before the call or since, if the order has changed meanwhile.

        Such an order has no document that lasts until it is sent. The caller waits for the document of an
        order that does not change: after a change, people want to see its effect.
        """
        is_changing = self._now != self._first
        is_recent = self._content is not None and self._content.version in self._recent
        return self._content if is_changing and is_recent else None
