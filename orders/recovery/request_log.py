"""The lines of the request log: what was decided together, and what was kept for later, to be replayed.

Each line is a JSON object. `at` is the database's clock, read while the batch holds its locks: of two batches
that touch the same rows the earlier line is the one that was decided first. `now` is the time by which it was
decided.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from orders.recovery.requests_json import request_from_words, request_json
from schemas.outcomes import Outcome
from schemas.requests import CREATE, Request

_CLOCK_AND_NUMBERS: Final = text("""
    SELECT clock.at, o.id::text, o.number, p.number AS purchase_number
    FROM (SELECT clock_timestamp() AS at) clock
    LEFT JOIN orders o ON o.id = ANY(CAST(:ids AS uuid[]))
    LEFT JOIN order_trades t ON t.order_id = o.id AND NOT t.is_purchase
    LEFT JOIN orders p ON p.id = t.counterpart_id
""")

_CLOCK: Final = text("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class LoggedBatch:
    """Requests that were decided together, in their order, and their outcomes: status and order."""

    at: datetime
    now: datetime
    requests: Sequence[Request]
    outcomes: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class LoggedForLater:
    """Requests that were kept as rows, each until a time."""

    at: datetime
    requests: Sequence[tuple[Request, datetime]]


def batch_line(
    connection: Connection, requests: Sequence[Request], outcomes: Sequence[Outcome], now: datetime
) -> bytes:
    """Return the line of a batch that was written and is about to be committed, with its line's end."""
    made = {str(one.order_id) for one in outcomes if one.order_id is not None}
    creates = any(request.kind == CREATE for request in requests)
    rows = connection.execute(_CLOCK_AND_NUMBERS, {"ids": array(made if creates else ())}).all()
    numbers = {row.id: [one for one in (row.number, row.purchase_number) if one is not None] for row in rows}
    words = [
        _words(request)
        | {"status": outcome.status, "order_id": outcome.order_id}
        | ({"numbers": numbers.get(str(outcome.order_id), [])} if request.kind == CREATE else {})
        for request, outcome in zip(requests, outcomes, strict=True)
    ]
    return orjson.dumps({"at": rows[0].at, "now": now, "requests": words}) + b"\n"


def later_line(connection: Connection, requests: Iterable[tuple[Request, datetime]]) -> bytes:
    """Return the line of requests that are kept for later, each until a time, with its line's end."""
    words = [_words(request) | {"due_at": due_at} for request, due_at in requests]
    return orjson.dumps({"at": connection.scalar(_CLOCK), "later": words}) + b"\n"


def _words(request: Request) -> dict[str, Any]:
    return {"kind": request.kind, "request": orjson.Fragment(request_json(request))}


def read_line(line: bytes) -> LoggedBatch | LoggedForLater:
    """Return what a line says. Raises `ValueError` for one that was cut off."""
    words = json.loads(line)  # which knows lone surrogates, too
    at = datetime.fromisoformat(words["at"])
    if "later" in words:
        later = [(_request(one), datetime.fromisoformat(one["due_at"])) for one in words["later"]]
        return LoggedForLater(at, later)
    return LoggedBatch(
        at,
        datetime.fromisoformat(words["now"]),
        [_request(one) for one in words["requests"]],
        [(one["status"], one["order_id"]) for one in words["requests"]],
    )


def _request(words: dict[str, Any]) -> Request:
    request = request_from_words(words["kind"], words["request"])
    return replace(request, order_numbers=tuple(words.get("numbers", ())))


def known_ids(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the requests that have an outcome, wait as rows, or are dead."""
    parameters = {"ids": array(map(str, ids))}
    return set(connection.scalars(_KNOWN, parameters))


_KNOWN: Final = text("""
    SELECT id FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT id FROM request_repeats WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT request_id FROM delayed_requests WHERE request_id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT request_id FROM dead_letters WHERE request_id = ANY(CAST(:ids AS uuid[]))
""")

_RAISE_NUMBERS: Final = text("""
    SELECT setval('order_numbers', :number) FROM order_numbers WHERE last_value < :number
""")


def raise_order_numbers(connection: Connection, number: int) -> None:
    """Have new orders get higher numbers than this one; needs the role that owns the tables."""
    connection.execute(_RAISE_NUMBERS, {"number": number})
