"""The header `If-Match` (RFC 9110, 13.1.1): the version that a caller has seen."""

import re
from collections.abc import Sequence
from typing import Final

from intake.problems import invalid

# An entity tag as `GET` gives it. Nine digits are more changes than an order ever has.
_VERSION: Final = re.compile(r'"([1-9][0-9]{0,8})"', re.ASCII)


def expected_version(headers: Sequence[str]) -> int | None:
    """Return the version that the order must still have; None for any.

    Raises `Problem` with the status 400 for what is not one entity tag of an order.
    """
    given = ",".join(headers).strip()
    if not headers or given == "*":
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise invalid('If-Match must be one entity tag as GET gives it, such as "3", or *', "if-match")
    return int(match[1])
