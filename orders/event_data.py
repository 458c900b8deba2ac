"""Event data of a bounded size: an order that is too large is told without its tickets, and says so."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from orders.render import to_json
from schemas.events import ENVELOPE_BYTES, MAX_EVENT_BYTES
from schemas.json import JsonObject

# Of an order, what goes first grows with its tickets, and what goes last with nothing that a request bounds.
_ORDER_LEAVES: Final = (
    ("tickets", "line_items.attendees"),
    ("notes", "payments"),
    ("line_items", "ticket_counts", "extras"),
)

_MARK: Final = '{"left_out":'

_REJECTION_CHARACTERS: Final = 200
"""What is told of a reason's sentence, where all of them together are too long."""

_SMALL_BYTES: Final = 1_000


def event_data(data: str, max_event_bytes: int = MAX_EVENT_BYTES) -> str:
    """Return the JSON as it is, or one that says less and fits in an event message of so many bytes.

    What says less begins with `left_out`, the names of the fields that are not there.
    """
    most = max_event_bytes - ENVELOPE_BYTES
    if fits(data, most):
        return data
    for shorter in _shorter(orjson.loads(data)):
        written = to_json(shorter).decode()
        if fits(written, most):
            break
    return written


def fits(data: str, most: int) -> bool:
    """Say whether the text has at most so many bytes in UTF-8; short or plain text costs nothing."""
    return len(data) * 4 <= most or size(data) <= most


def size(data: str) -> int:
    """Return the bytes of the text in UTF-8."""
    return len(data) if data.isascii() else len(data.encode())


def is_shorter(data: str) -> bool:
    """Say whether something was left out of the data, so that the reader has to fetch it."""
    return data.startswith(_MARK)


def _shorter(words: JsonObject) -> Iterator[JsonObject]:
    words.pop("left_out", None)
    if isinstance(words.get("tickets"), list):
        yield from _shorter_orders(words)
    elif isinstance(words.get("errors"), list):
        errors = [{**error, "message": error["message"][:_REJECTION_CHARACTERS]} for error in words["errors"]]
        yield {"left_out": ["errors.message"], **words, "errors": errors}
    # Of what nobody expects to be large: whatever fits.
    small = {name: value for name, value in words.items() if len(to_json(value)) <= _SMALL_BYTES}
    yield {"left_out": [name for name in words if name not in small], **small}


def _shorter_orders(order: JsonObject) -> Iterator[JsonObject]:
    words = {**order, "ticket_counts": _ticket_counts(order["tickets"])}
    words["line_items"] = [
        {name: value for name, value in line.items() if name != "attendees"} for line in order["line_items"]
    ]
    left_out: list[str] = []
    for names in _ORDER_LEAVES:
        left_out += names
        for name in names:
            words.pop(name, None)
        yield {"left_out": left_out, **words}


def _ticket_counts(tickets: list[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how many tickets of each ticket class have which status, and how many of them have a code."""
    counts: dict[str, dict[str, int]] = {}
    for ticket in tickets:
        of_class = counts.setdefault(
            ticket["ticket_class_id"], {"valid": 0, "checked_in": 0, "voided": 0, "issued": 0}
        )
        of_class[ticket["status"]] += 1
        of_class["issued"] += ticket["code"] is not None
    return counts
