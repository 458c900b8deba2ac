"""Conditional calls (RFC 9110, 13.1): the version of an order that the caller has seen."""

import re
from collections.abc import Sequence
from typing import Final

from intake.web.problems import Problem, invalid
from schemas.changes import MAX_VERSIONS

# A list may have empty elements (RFC 9110, 5.6.1.2).
_TAGS: Final = re.compile(r"[\s,]*{tag}(?:\s*,[\s,]*{tag})*[\s,]*".format(tag=r'(?:W/)?"[!#-~\x80-\xff]*"'))
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')

# An entity tag as `GET` returns it. An order never has more changes than nine digits can count.
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def expected_versions(headers: Sequence[str]) -> list[int] | None:
    """Return the accepted versions of the order, from the `If-Match` headers; None for any.

    They ascend, so that the same tags in another order are the same condition. The comparison is strong:
    weak tags, and those of other resources, match nothing. Raises `Problem`: 400 for a header that is not a
    list of entity tags or has too many versions, 412 if none of them can match.
    """
    given = ",".join(headers).strip()
    if not headers or given == "*":
        return None
    if _TAGS.fullmatch(given) is None:
        raise invalid('If-Match must be entity tags as GET returns them, such as "3", or *', "if-match")
    versions = {
        int(version) for weak, version in _TAG.findall(given) if not weak and _VERSION.fullmatch(version)
    }
    if not versions:
        raise Problem(412, "the order has none of the versions in If-Match")
    if len(versions) > MAX_VERSIONS:
        raise invalid(f"If-Match names more than {MAX_VERSIONS} versions; name fewer, or none", "if-match")
    return sorted(versions)


def is_known(headers: Sequence[str], tag: str) -> bool:
    """Say whether the caller already has this version, by the `If-None-Match` headers."""
    given = ",".join(headers).strip()
    # The comparison is weak.
    return given == "*" or tag in [f'"{value}"' for _, value in _TAG.findall(given)]
