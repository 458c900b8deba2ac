"""Requests as JSON, as in messages: for storing them, and for sending them again."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from schemas.outcomes import Rejection
from schemas.requests import ENVELOPE_FIELDS, Request


def request_json(request: Request) -> bytes:
    """Return the request with its envelope as one JSON object."""
    fields = {
        **request.body,
        "tenant": request.tenant,
        "request_id": str(request.request_id),
        "may_set_price": request.may_set_price,
    }
    if request.by is not None:
        fields["by"] = request.by
    if request.seen_version is not None:
        fields["seen_version"] = request.seen_version
    if request.not_after is not None:
        fields["not_after"] = request.not_after.isoformat()
    if request.mistakes:
        fields["mistakes"] = [mistake.as_dict() for mistake in request.mistakes]
    return any_json(fields)


def any_json(fields: Any, *, is_canonical: bool = False) -> bytes:
    """Return the JSON of any decoded message; canonical JSON has sorted keys and no white space."""
    try:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS if is_canonical else None)
    except TypeError:  # lone surrogates, integers over 64 bits, more than 254 levels
        with _deep_recursion():
            return json.dumps(fields, sort_keys=is_canonical, separators=(",", ":")).encode()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Allow the writer the depth of the readers, which stop at about 1,000 levels."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 3_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def request_from_json(kind: str, stored: bytes) -> Request:
    """Return the request of JSON written by `request_json`."""
    return request_from_dict(kind, json.loads(stored))


def request_from_dict(kind: str, fields: Mapping[str, Any]) -> Request:
    """Return the request of a decoded JSON object written by `request_json`."""
    return Request(
        kind=kind,
        request_id=UUID(fields["request_id"]),
        tenant=fields["tenant"],
        may_set_price=fields["may_set_price"],
        body={name: value for name, value in fields.items() if name not in ENVELOPE_FIELDS},
        by=fields.get("by"),
        mistakes=tuple(Rejection(**mistake) for mistake in fields.get("mistakes", ())),
        seen_version=fields.get("seen_version"),
        not_after=None if fields.get("not_after") is None else datetime.fromisoformat(fields["not_after"]),
    )
