"""Reading a message as kombu writes it to Redis or Valkey."""

from base64 import b64decode
from typing import Any

import orjson

from worker.broker.deliveries import Delivery, count_requests


def read_message(message: bytes, count: int, tag: bytes) -> Delivery:
    """Return a delivery; one that is not in kombu's format has a `dead_reason`."""
    try:
        return _read(message, count, tag)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # Valkey's JSON parser accepts more than ours, and headers may have any type.
        reason = f"the message is not in kombu's format: {error}"
        return Delivery(tag, "", "", message, requests=1, count=count, dead_reason=reason)


def _read(message: bytes, count: int, tag: bytes) -> Delivery:
    payload: dict[str, Any] = orjson.loads(message)
    headers = payload.get("headers") or {}
    return Delivery(
        tag=tag,
        task=str(headers.get("task", "")),
        message_id=str(headers.get("id", "")),
        body=_body(payload),
        requests=count_requests(headers.get("willcall_requests")),
        count=count,
        headers=headers,
        content_type=payload.get("content-type"),
        content_encoding=payload.get("content-encoding"),
    )


def _body(payload: dict[str, Any]) -> bytes:
    body = str(payload.get("body", ""))
    try:
        match payload["properties"].get("body_encoding"):
            case "base64":
                return b64decode(body)
            case "hex":
                return bytes.fromhex(body)
    except ValueError:
        pass  # the body becomes a dead letter as it is
    return body.encode("utf-8", "backslashreplace")
