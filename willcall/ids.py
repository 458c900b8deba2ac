"""Request ids: UUIDv7 (RFC 9562, 5.7), which sort by the time of their making."""

import os
import random
import re
import threading
import time
from typing import Final
from uuid import UUID

_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62
# Its own generator: a program that sets a seed must not get the same ids again.
_DICE: Final = random.Random(os.urandom(16))  # noqa: S311 - ids are no secrets


_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """Return a new id, greater than those that this process has made before."""
    global _last
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        id_ = milliseconds << 80 | _VERSION | _VARIANT | _DICE.getrandbits(62)
        # Within a millisecond, and when the clock was set back, the next one follows the last.
        _last = max(id_, _last + 1)
        return UUID(int=_last)


_ANY_FORM: Final = re.compile(
    r"(?:urn:uuid:)?(?P<brace>\{)?[0-9a-f]{8}(?P<dash>-?)(?:[0-9a-f]{4}(?P=dash)){3}[0-9a-f]{12}(?(brace)\})",
    re.ASCII | re.IGNORECASE,
)


def parse_any_uuid(text: str) -> UUID | None:
    """Return the UUID of text in any common form, or None.

    The forms are those of RFC 9562, of Microsoft (in braces) and of URNs, and 32 digits without hyphens.
    """
    # `UUID` alone accepts more: hyphens anywhere, and any 32 characters that `int` can read.
    return UUID(text.lower()) if _ANY_FORM.fullmatch(text) else None
