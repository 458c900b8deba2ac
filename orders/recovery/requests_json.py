"""A request as JSON, as it travels in a message: for keeping it, and for sending it again."""

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
    words = {
        **request.body,
        "tenant": request.tenant,
        "request_id": str(request.request_id),
        "may_set_price": request.may_set_price,
    }
    if request.by is not None:
        words["by"] = request.by
    if request.seen_version is not None:
        words["seen_version"] = request.seen_version
    if request.not_after is not None:
        words["not_after"] = request.not_after.isoformat()
    if request.mistakes:
        words["mistakes"] = [mistake.as_dict() for mistake in request.mistakes]
    return any_json(words)


def any_json(words: Any, *, is_canonical: bool = False) -> bytes:
    """Return the JSON of whatever a message's JSON held; canonical: keys sorted, no white space."""
    try:
        return orjson.dumps(words, option=orjson.OPT_SORT_KEYS if is_canonical else None)
    except TypeError:  # lone surrogates, integers over 64 bits, more than 254 levels
        with _deep_recursion():
            return json.dumps(words, sort_keys=is_canonical, separators=(",", ":")).encode()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let the writer go as deep as the readers went: they stop at about 1,000 levels."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 3_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def request_from_json(kind: str, stored: bytes) -> Request:
    """Return the request that `request_json` wrote."""
    return request_from_words(kind, json.loads(stored))


def request_from_words(kind: str, words: Mapping[str, Any]) -> Request:
    """Return the request of the JSON object that `request_json` wrote."""
    return Request(
        kind=kind,
        request_id=UUID(words["request_id"]),
        tenant=words["tenant"],
        may_set_price=words["may_set_price"],
        body={name: value for name, value in words.items() if name not in ENVELOPE_FIELDS},
        by=words.get("by"),
        mistakes=tuple(Rejection(**mistake) for mistake in words.get("mistakes", ())),
        seen_version=words.get("seen_version"),
        not_after=None if words.get("not_after") is None else datetime.fromisoformat(words["not_after"]),
    )
