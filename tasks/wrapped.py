"""Unwrapping the values that kombu's JSON wraps, such as `{"__type__": "decimal", "__value__": "45.50"}`.

A Celery client writes a `UUID`, a `Decimal`, a `datetime` or `bytes` in this way (`kombu/utils/json.py`). The
same request with plain text must be the same request, so values are unwrapped before anything else.
"""

import math
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from schemas.outcomes import MAX_REJECTIONS, Rejection, field_path
from willcall.ids import parse_any_uuid

MARK: Final = b'"__type__"'
"""A message without these bytes has no wrapped value, and is not searched."""

_NAMES: Final = {"__type__", "__value__"}

_LONGEST_AMOUNT: Final = 100
"""Maximum characters of an amount with an exponent, and maximum digits without it."""

_Path = tuple["_Path", int | str] | None
"""The path to a value: the path to its container, and its key there. A step costs the same at any depth."""


class _NoText(Exception):
    """The value cannot be written as text; the message says why."""


def unwrap(body: dict[str, Any]) -> tuple[Rejection, ...]:
    """Replace each wrapped value inside the body by its text; return a rejection for each invalid one.

    Wrappers that kombu would not have written stay as they are. NaN and Infinity are invalid: Python writes
    them, but JSON does not allow them. Nesting of any depth is searched without recursion.
    """
    mistakes: list[Rejection] = []
    waiting: list[tuple[Any, _Path]] = [(body, None)]
    while waiting:
        container, path = waiting.pop()
        for name, value in container.items() if isinstance(container, dict) else enumerate(container):
            if not isinstance(value, dict | list | float):
                continue
            try:
                text = _text(value)
            except _NoText as error:
                if len(mistakes) < MAX_REJECTIONS:
                    mistakes.append(Rejection("invalid", field_path(_steps((path, name))), str(error)))
                if isinstance(value, float):
                    container[name] = str(value)  # a stored request must distinguish it from null
                continue
            if text is not None:
                container[name] = text
            elif not isinstance(value, float):
                waiting.append((value, (path, name)))
    return tuple(mistakes)


def _steps(path: _Path) -> tuple[int | str, ...]:
    steps: list[int | str] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return tuple(reversed(steps))


def _text(value: Any) -> str | None:
    """Return the text of a wrapped value, or None for any other value. Raises `_NoText`."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _NoText("NaN and Infinity are not allowed in JSON")
    if not isinstance(value, dict) or value.keys() != _NAMES:
        return None
    kind, wrapped = value["__type__"], value["__value__"]
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        return None
    try:
        return read(wrapped)
    except (TypeError, ValueError, InvalidOperation):
        return None


def _uuid(wrapped: Any) -> str | None:
    if not isinstance(wrapped, dict) or wrapped.keys() != {"hex"} or not isinstance(wrapped["hex"], str):
        return None
    id_ = parse_any_uuid(wrapped["hex"])
    return None if id_ is None else str(id_)


def _decimal(wrapped: Any) -> str | None:
    """Return the amount as our own producer writes it, such as 100 for `Decimal("1E+2")`."""
    if not isinstance(wrapped, str):
        return None
    amount = Decimal(wrapped)
    if "E" not in wrapped or len(wrapped) > _LONGEST_AMOUNT:
        return wrapped
    exponent = amount.as_tuple().exponent
    # Without its exponent, "1E+999999" would be a megabyte.
    if not isinstance(exponent, int) or abs(exponent) > _LONGEST_AMOUNT:
        return wrapped
    return format(amount, "f")


def _moment(wrapped: str) -> str:
    datetime.fromisoformat(wrapped)
    return wrapped


def _time(wrapped: str) -> str:
    time.fromisoformat(wrapped)
    return wrapped


def _bytes(wrapped: Any) -> str | None:
    return wrapped if isinstance(wrapped, str) else None


def _base64(wrapped: str) -> str:
    """Return base64 as text; kombu uses it for bytes that are not text, other clients for all bytes."""
    content = b64decode(wrapped, validate=True)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _NoText("the bytes are not valid UTF-8 text") from error


_READERS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "uuid": _uuid,
    "decimal": _decimal,
    "datetime": _moment,
    "date": _moment,
    "time": _time,
    "bytes": _bytes,
    "base64": _base64,
}
