"""The types of event messages, which are also their routing keys on the exchange `willcall.events`."""

from typing import Final

EVENT_TYPES: Final = (
    "order.confirmed",
    "order.rejected",
    "order.updated",
    "order.cancelled",
    "ticket.issued",
    "ticket.voided",
    "ticket.checked_in",
    "payment.recorded",
    "reconciliation.discrepancy_found",
)
"""CloudEvents 1.0 in structured JSON; `docs/messages.md` says what each contains."""
