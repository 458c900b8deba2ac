"""Event messages: CloudEvents 1.0 in structured JSON."""

from datetime import datetime
from typing import Any, Final, Literal

import orjson

EventType = Literal[
    "order.confirmed",
    "order.rejected",
    "order.updated",
    "order.cancelled",
    "ticket.issued",
    "ticket.voided",
    "ticket.checked_in",
    "payment.recorded",
    "reconciliation.discrepancy_found",
]

CONTENT_TYPE: Final = "application/cloudevents+json"

MAX_EVENT_BYTES: Final = 1024 * 1024
"""The default of the setting `WILLCALL_MAX_EVENT_BYTES`: the maximum size of an event message."""

LEAST_MAX_EVENT_BYTES: Final = 128 * 1024
"""Enough for the fields of an order that are always published, however long its texts are."""

ENVELOPE_BYTES: Final = 4 * 1024
"""The maximum size of an event message's envelope."""


def cloud_event(
    *,
    event_id: str,
    event_type: str,
    tenant: str,
    subject: str,
    sequence: int,
    time: datetime,
    data: bytes,
    dataref: str | None = None,
    traceparent: str | None = None,
) -> bytes:
    """Return one event message as structured JSON (CloudEvents 1.0, section 3 of the JSON format).

    `data` is encoded JSON. `sequence` is an extension attribute that counts per subject from 1
    without gaps. `dataref` is the extension of that name: the URI of the fields that `data` leaves out.
    `traceparent` is the extension for distributed tracing.
    """
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "type": event_type,
        "source": f"/tenants/{tenant}",
        "subject": subject,
        "time": time,
        "sequence": sequence,
        "datacontenttype": "application/json",
    }
    if dataref is not None:
        envelope["dataref"] = dataref
    if traceparent is not None:
        envelope["traceparent"] = traceparent
    envelope["data"] = orjson.Fragment(data)
    return orjson.dumps(envelope, option=orjson.OPT_UTC_Z)


def data_uri(event_type: str, subject: str, base: str | None) -> str | None:
    """Return the URI of an event message's data, relative if the intake's address is not known.

    None for a discrepancy: there is nothing more to fetch.
    """
    if event_type == "reconciliation.discrepancy_found":
        return None
    kind = "requests" if event_type == "order.rejected" else "orders"
    return f"{(base or '').rstrip('/')}/v1/{kind}/{subject}"
