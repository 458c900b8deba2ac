"""A request as JSON, as it travels in a message: for keeping it, and for sending it again."""

import json
from uuid import UUID

import orjson

from schemas.requests import ENVELOPE_FIELDS, Request


def request_json(request: Request) -> bytes:
    """Return the request with its envelope as one JSON object."""
    words = {
        **request.body,
        "tenant": request.tenant,
        "request_id": str(request.request_id),
        "may_set_price": request.may_set_price,
    }
    try:
        return orjson.dumps(words)
    except TypeError:  # lone surrogates, integers over 64 bits
        return json.dumps(words).encode()


def request_from_json(kind: str, stored: bytes) -> Request:
    """Return the request that `request_json` wrote."""
    words = json.loads(stored)
    return Request(
        kind=kind,
        request_id=UUID(words["request_id"]),
        tenant=words["tenant"],
        may_set_price=words["may_set_price"],
        body={name: value for name, value in words.items() if name not in ENVELOPE_FIELDS},
    )
