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


def cloud_event(
    *,
    event_id: str,
    event_type: str,
    tenant: str,
    subject: str,
    sequence: int,
    time: datetime,
    data: bytes,
) -> bytes:
    """Return one event message as structured JSON (CloudEvents 1.0, section 3 of the JSON format).

    `data` is JSON already. `sequence` is an extension attribute that counts per subject from 1
    without gaps.
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
        "data": orjson.Fragment(data),
    }
    return orjson.dumps(envelope, option=orjson.OPT_UTC_Z)
