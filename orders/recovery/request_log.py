"""The lines of the request log, for replays: decided batches, and requests stored for later.

Each line is a JSON object. `at` is the database's clock, read while the batch holds its locks: of two batches
that change the same rows, the one with the earlier line was decided first. `now` is the time used in the
decisions.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from orders.recovery.requests_json import request_from_dict, request_json
from schemas.outcomes import Outcome
from schemas.requests import Request
from willcall.kinds import CREATE

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
    """Requests that were decided together, in order, with their outcomes: status and order id."""

    at: datetime
    now: datetime
    requests: Sequence[Request]
    outcomes: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class LoggedForLater:
    """Requests that were stored as rows, each with its due time."""

    at: datetime
    requests: Sequence[tuple[Request, datetime]]


def batch_line(
    connection: Connection, requests: Sequence[Request], outcomes: Sequence[Outcome], now: datetime
) -> bytes:
    """Return the line, with its newline, of a batch that was written and is about to be committed."""
    made = {str(one.order_id) for one in outcomes if one.order_id is not None}
    creates = any(request.kind == CREATE for request in requests)
    rows = connection.execute(_CLOCK_AND_NUMBERS, {"ids": array(made if creates else ())}).all()
    numbers = {row.id: [one for one in (row.number, row.purchase_number) if one is not None] for row in rows}
    fields = [
        _request_fields(request)
        | {"status": outcome.status, "order_id": outcome.order_id}
        | ({"numbers": numbers.get(str(outcome.order_id), [])} if request.kind == CREATE else {})
        for request, outcome in zip(requests, outcomes, strict=True)
    ]
    return orjson.dumps({"at": rows[0].at, "now": now, "requests": fields}) + b"\n"


def later_line(connection: Connection, requests: Iterable[tuple[Request, datetime]]) -> bytes:
    """Return the line, with its newline, of requests that are stored for later, each with its due time."""
    fields = [_request_fields(request) | {"due_at": due_at} for request, due_at in requests]
    return orjson.dumps({"at": connection.scalar(_CLOCK), "later": fields}) + b"\n"


def _request_fields(request: Request) -> dict[str, Any]:
    return {"kind": request.kind, "request": orjson.Fragment(request_json(request))}


def read_line(line: bytes) -> LoggedBatch | LoggedForLater:
    """Return the content of a line. Raises `ValueError` for a truncated line."""
    fields = json.loads(line)  # it accepts lone surrogates, unlike orjson
    at = datetime.fromisoformat(fields["at"])
    if "later" in fields:
        later = [(_request(one), datetime.fromisoformat(one["due_at"])) for one in fields["later"]]
        return LoggedForLater(at, later)
    return LoggedBatch(
        at,
        datetime.fromisoformat(fields["now"]),
        [_request(one) for one in fields["requests"]],
        [(one["status"], one["order_id"]) for one in fields["requests"]],
    )


def _request(fields: dict[str, Any]) -> Request:
    request = request_from_dict(fields["kind"], fields["request"])
    return request._replace(order_numbers=tuple(fields.get("numbers", ())))


def known_ids(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Return the ids of the requests that have an outcome, wait as rows, or are dead letters."""
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
    """Raise the sequence of order numbers above this one; needs the role that owns the tables."""
    connection.execute(_RAISE_NUMBERS, {"number": number})
