"""The header `Prefer` (RFC 7240), of which we know `wait`."""

import re
from collections.abc import Iterable
from typing import Final

MAX_WAIT_SECONDS: Final = 30
"""The longest wait for an outcome; who asks for more gets this."""

_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?', re.ASCII | re.IGNORECASE)
_ASYNC: Final = re.compile(r"\s*respond-async\s*(?:;.*)?", re.ASCII | re.IGNORECASE)


def wanted_wait(headers: Iterable[str], usual: int = 0) -> int:
    """Return how many seconds the caller prefers to wait for the outcome; `usual` without a preference.

    Who prefers `respond-async`, and names no time, does not wait. What cannot be understood is no
    preference, and no error (RFC 7240, section 2).
    """
    preferences = ",".join(headers).split(",")
    for preference in preferences:
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return min(int(match[1]), MAX_WAIT_SECONDS)
    return 0 if any(_ASYNC.fullmatch(preference) for preference in preferences) else usual
