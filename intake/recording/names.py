"""The new ids of orders, tickets and requests in a replay, read from answers, by the recorded ids."""

import re
from typing import Any, Final
from uuid import uuid4

_UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", re.ASCII)
_ID_NAME: Final = re.compile(
    r"(?:.*_)?(?:id|uuid|ids|oid)|.*(?:Id|UUID)|number|order_?number|orderNumber", re.ASCII
)
_ID_PAIR: Final = re.compile(r'("([\w-]+)"\s*:\s*)("?)([\w-]+)\3(?=\s*[,}\]])', re.ASCII)
_KEY_PAIR: Final = re.compile(r'("idempotency_key"\s*:\s*")((?:[^"\\]|\\.)*)(")')
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_PART_OF_PATH: Final = re.compile(r"[^/?&=]+")

KEY_HEADERS: Final = ("idempotency-key", "x-acme-request-uuid")


def is_id(name: str) -> bool:
    """Say whether fields of this name hold an id."""
    return _ID_NAME.fullmatch(name) is not None


class Names:
    """The recorded ids and the new ones. Idempotency keys are new, too, and repeats stay repeats."""

    def __init__(self) -> None:
        self._new: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._run = uuid4().hex[:8]
        self._links: dict[str, str] = {}
        self._moments: dict[str, str] = {}

    def learn(self, recorded: Any, now: Any) -> None:
        """Note that what had the recorded id has this one now."""
        if recorded != now:
            self._new[str(recorded)] = str(now)

    def learn_text(self, recorded: str, now: str) -> bool:
        """Note the UUIDs of a text, and say whether the two differ in nothing else."""
        if _UUID.sub("", recorded) != _UUID.sub("", now):
            return False
        for old, new in zip(_UUID.findall(recorded), _UUID.findall(now), strict=True):
            self.learn(old, new)
        return True

    def learn_path(self, recorded: str, now: str) -> None:
        """Note the ids of a path that was answered, and its signature."""
        parts, new_parts = (_PART_OF_PATH.findall(path.partition("?")[0]) for path in (recorded, now))
        if len(parts) == len(new_parts):
            for part, new in zip(parts, new_parts, strict=True):
                self.learn(part, new)

    def learn_moment(self, recorded: str, now: str) -> None:
        """Note when something was done, if it is that: a client may send back what it has read."""
        if _MOMENT.fullmatch(recorded) and _MOMENT.fullmatch(now):
            self._moments[recorded] = now

    def learn_link(self, url: str) -> None:
        """Note a link of an answer, whose signature no recording has."""
        path, _, query = re.sub(r"^https?://[^/]+", "", url).partition("?")
        self._links[path] = query

    def path(self, recorded: str) -> str:
        """Return the path of now; one that was signed with the signature of now."""
        path = _PART_OF_PATH.sub(lambda found: self._new.get(found[0], found[0]), self.text(recorded))
        start = path.partition("?")[0]
        return f"{start}?{self._links[start]}" if start in self._links else path

    def body(self, recorded: str) -> str:
        """Return the body of now: its ids, its idempotency keys, and the moments that were read, are new."""
        body = _KEY_PAIR.sub(lambda found: found[1] + self.key(found[2]) + found[3], recorded)
        body = _ID_PAIR.sub(self._pair, body)
        body = _MOMENT.sub(lambda found: self._moments.get(found[0], found[0]), body)
        return self.text(body)

    def text(self, recorded: str) -> str:
        """Return the text with the UUIDs of now."""
        return _UUID.sub(lambda found: self._new.get(found[0], found[0]), recorded)

    def key(self, recorded: str) -> str:
        """Return the idempotency key of now."""
        new = str(uuid4()) if _UUID.fullmatch(recorded) else f"{recorded[:150]}-{self._run}"
        return self._keys.setdefault(recorded, new)

    def _pair(self, found: "re.Match[str]") -> str:
        start, name, quote, value = found.groups()
        return f"{start}{quote}{self._new.get(value, value) if is_id(name) else value}{quote}"
