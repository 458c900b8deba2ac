"""Compares the new answer with the recorded one, except for values that always differ."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from intake.recording.discretion import HIDDEN
from intake.recording.exchanges import Exchange
from intake.recording.names import Names, is_id

_ANOTHER_EVERY_TIME: Final = (
    re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?"),  # moments
    re.compile(r"https?://.*"),
    re.compile(r"[A-Z0-9]{8}(?:-\d+)?"),  # an order's code, a ticket's reference
)


def differences(
    recorded: Exchange, status: int, headers: dict[str, str], answer: str | None, names: Names
) -> list[str]:
    """Return the differences, a sentence each; learn the new ids from the answers."""
    found = []
    if recorded.status != status:
        found.append(f"the status was {recorded.status}, is {status}")
    media_type, now = (
        one.get("content-type", "").partition(";")[0] for one in (recorded.answer_headers, headers)
    )
    if media_type != now:
        found.append(f"the media type was {media_type or 'none'}, is {now or 'none'}")
    if "location" in recorded.answer_headers and "location" in headers:
        names.learn_path(recorded.answer_headers["location"], headers["location"])
    if found or recorded.answer is None or answer is None:
        return found
    before, after = _json(recorded.answer), _json(answer)
    if before is None or after is None:
        return []  # a page for people
    return list(_compare(before, after, "", "", names))


def is_pending(exchange: Exchange) -> bool:
    """Say whether the client polled for an outcome: the number of such calls depends on the moment."""
    answer = _json(exchange.answer or "")
    is_pending = isinstance(answer, dict) and answer.get("status") == "pending"
    return exchange.method == "GET" and (exchange.status == 202 or is_pending)


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return None


def _compare(before: Any, after: Any, path: str, name: str, names: Names) -> Iterator[str]:
    where = path or "the answer"
    if isinstance(before, dict) and isinstance(after, dict):
        for missing in sorted(before.keys() - after.keys()):
            yield f"{path}.{missing} is missing".lstrip(".")
        for new in sorted(after.keys() - before.keys()):
            yield f"{path}.{new} is new".lstrip(".")
        # Ids first: what else names them is read with them.
        for one in sorted(before.keys() & after.keys(), key=lambda one: not is_id(one)):
            yield from _compare(before[one], after[one], f"{path}.{one}".lstrip("."), one, names)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{where} had {len(before)} items, has {len(after)}"
        for place, (old, new) in enumerate(zip(before, after, strict=False)):
            yield from _compare(old, new, f"{path}[{place}]", name, names)
    elif _kind(before) != _kind(after):
        yield f"{where} was {_kind(before)}, is {_kind(after)}"
    elif before != after:
        yield from _compare_values(before, after, where, name, names)


def _compare_values(before: Any, after: Any, where: str, name: str, names: Names) -> Iterator[str]:
    if isinstance(after, str) and after.startswith("http"):
        names.learn_link(after)
    if is_id(name):
        names.learn(before, after)
    elif name != "idempotency_key" and not (isinstance(before, str) and _is_another(before, after, names)):
        yield f"{where} was {before!r}, is {after!r}"


def _is_another(before: str, after: Any, names: Names) -> bool:
    if HIDDEN in before or names.path(before) == after or names.learn_text(before, after):
        return True
    names.learn_moment(before, after)
    return any(one.fullmatch(before) and one.fullmatch(after) for one in _ANOTHER_EVERY_TIME)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
