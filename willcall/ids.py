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
_MOST_IN_A_MILLISECOND: Final = 1 << 12

# Its own generator: a program that sets a seed must not get the same ids again.
_DICE: Final = random.Random(os.urandom(16))  # noqa: S311 - ids are no secrets

_lock = threading.Lock()
_milliseconds = _number = 0


def new_request_id() -> UUID:
    """Return a new id, greater than those that this process has made before.

    Its parts are the milliseconds since 1970, a number within them (12 bits), and 62 random bits:
    values derived from an id differ as much as ids do.
    """
    global _milliseconds, _number
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _milliseconds:
            _milliseconds, _number = now, _DICE.getrandbits(8)
        else:  # the clock may have been set back
            _number += 1
        if _number == _MOST_IN_A_MILLISECOND:
            _milliseconds, _number = _milliseconds + 1, 0
        return UUID(int=_milliseconds << 80 | _VERSION | _number << 64 | _VARIANT | _DICE.getrandbits(62))


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
