"""Event data of bounded size: a large order is published without its tickets, and with `left_out`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from orders.render import to_json
from schemas.events import ENVELOPE_BYTES, MAX_EVENT_BYTES
from schemas.json import JsonObject

# The fields of an order in the order of their removal: first those that grow with its tickets.
_ORDER_LEAVES: Final = (
    ("tickets", "line_items.attendees"),
    ("notes", "payments"),
    ("line_items", "ticket_counts", "extras"),
)

_MARK: Final = '{"left_out":'

_REJECTION_CHARACTERS: Final = 200
"""Characters of each rejection's sentence that are published if all together are too long."""

_SMALL_BYTES: Final = 1_000


def event_data(data: str, max_event_bytes: int = MAX_EVENT_BYTES) -> str:
    """Return the JSON unchanged, or shortened to fit in an event message of `max_bytes`.

    Shortened data begin with `left_out`, the names of the omitted fields.
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
    """Return whether the text has at most `max_bytes` in UTF-8; short or ASCII text is not encoded."""
    return len(data) * 4 <= most or size(data) <= most


def size(data: str) -> int:
    """Return the number of bytes of the text in UTF-8."""
    return len(data) if data.isascii() else len(data.encode())


def is_shorter(data: str) -> bool:
    """Return whether the data were shortened, so that the reader has to fetch the rest."""
    return data.startswith(_MARK)


def _shorter(body: JsonObject) -> Iterator[JsonObject]:
    body.pop("left_out", None)
    if isinstance(body.get("tickets"), list):
        yield from _shorter_orders(body)
    elif isinstance(body.get("errors"), list):
        errors = [{**error, "message": error["message"][:_REJECTION_CHARACTERS]} for error in body["errors"]]
        yield {"left_out": ["errors.message"], **body, "errors": errors}
    # Other data are not expected to be large: keep the small fields.
    small = {name: value for name, value in body.items() if len(to_json(value)) <= _SMALL_BYTES}
    yield {"left_out": [name for name in body if name not in small], **small}


def _shorter_orders(order: JsonObject) -> Iterator[JsonObject]:
    body = {**order, "ticket_counts": _ticket_counts(order["tickets"])}
    body["line_items"] = [
        {name: value for name, value in line.items() if name != "attendees"} for line in order["line_items"]
    ]
    left_out: list[str] = []
    for names in _ORDER_LEAVES:
        left_out += names
        for name in names:
            body.pop(name, None)
        yield {"left_out": left_out, **body}


def _ticket_counts(tickets: list[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the number of tickets of each ticket class by status, and of issued ones."""
    counts: dict[str, dict[str, int]] = {}
    for ticket in tickets:
        of_class = counts.setdefault(
            ticket["ticket_class_id"], {"valid": 0, "checked_in": 0, "voided": 0, "issued": 0}
        )
        of_class[ticket["status"]] += 1
        of_class["issued"] += ticket["code"] is not None
    return counts
