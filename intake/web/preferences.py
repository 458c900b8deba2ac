"""The header `Prefer` (RFC 7240), of which `wait` is supported."""

import re
from collections.abc import Iterable
from typing import Final

MAX_WAIT_SECONDS: Final = 30
"""The longest wait for an outcome, in seconds; longer ones are shortened to it."""

_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?', re.ASCII | re.IGNORECASE)
_ASYNC: Final = re.compile(r"\s*respond-async\s*(?:;.*)?", re.ASCII | re.IGNORECASE)


def wanted_wait(headers: Iterable[str], usual: int = 0) -> int:
    """Return how many seconds the caller prefers to wait for the outcome; `usual` without a preference.

    `respond-async` without a time means no wait. Preferences that cannot be parsed are ignored (RFC 7240,
    section 2).
    """
    preferences = ",".join(headers).split(",")
    for preference in preferences:
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return min(int(match[1]), MAX_WAIT_SECONDS)
    return 0 if any(_ASYNC.fullmatch(preference) for preference in preferences) else usual
