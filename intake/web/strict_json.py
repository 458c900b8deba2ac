"""Strict JSON (RFC 8259): ambiguous documents are refused."""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import orjson

from schemas.nesting import is_deeper_than

MAX_DEPTH: Final = 250
"""Maximum depth of nested arrays and objects: about what orjson writes; an order has five."""

MAX_VALUES: Final = 150_000
"""Maximum number of values, arrays and objects of one body, approximated by its commas and opening brackets.

Twice what the orders that fit into a body can have. It bounds the cost of work for each value.
"""

_MAX_EXPONENT: Final = 40


class NotJson(Exception):
    """The text is not JSON, has a duplicate name, or is nested too deeply; the message says which."""


def parse_json(body: bytes, *, is_exact: bool = False) -> Any:
    """Return the value of the body. Raises `NotJson`.

    Exact: a number with a fraction is a `Decimal`, and a whole one an `int`, however it is written.
    Lone surrogates and integers of any size pass, so that one bad field of one order in an array is
    rejected by its name, and the other orders are taken.
    """
    if not body.strip():
        raise NotJson("the body is empty")
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise NotJson(f"the JSON has more than {MAX_VALUES} values")
    if is_exact:
        return _parse_slowly(body, parse_float=_exact)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_slowly(body)
    return _parse_slowly(body) if _may_repeat_a_name(body, value) else value


def _may_repeat_a_name(body: bytes, value: Any) -> bool:
    """Say whether a name may be duplicate; orjson silently keeps the last.

    Each name has a colon, so a dropped name lowers the number of colons when the value is written back,
    unless colons were hidden by an escape.
    """
    try:
        written = orjson.dumps(value)
    except TypeError:  # nested more deeply than orjson writes
        return True
    return body.count(b":") != written.count(b":") or b"\\u003" in body


def _parse_slowly(body: bytes, parse_float: Callable[[str], Any] = float) -> Any:
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_refuse, parse_float=parse_float
        )
    except RecursionError as error:
        raise NotJson("the JSON is nested too deeply") from error
    except ValueError as error:
        raise NotJson(f"the body is not JSON: {error}") from error
    if is_deeper_than(MAX_DEPTH, value):
        raise NotJson("the JSON is nested too deeply")
    return value


def _exact(text: str) -> int | Decimal:
    """Return the number in the text. Raises `NotJson` for a number outside the range of amounts."""
    unlike = NotJson(f"the number {text[:64]} is too large or too precise")
    try:
        value = Decimal(text)
    except InvalidOperation as error:  # an exponent of more than 18 digits
        raise unlike from error
    # Written out, 1e999999999 would have that many digits.
    if abs(int(value.as_tuple().exponent)) > _MAX_EXPONENT:
        raise unlike
    return int(value) if value == value.to_integral_value() else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise NotJson(f"the name {name[:64]!a} is duplicate in one object")
            seen.add(name)
    return made


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is not JSON")
