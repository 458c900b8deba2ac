"""`tickets.check_in`: a ticket is used at the gate, or its use is undone."""

from typing import Self

from pydantic import model_validator

from schemas.order_fields import Id
from schemas.text import IdempotencyKey, Identifier, LongText, StoredKey, WireModel


class CheckInRequest(WireModel):
    """A scanned code, or the ticket's id. `nonce` identifies the scan: a repeated one is not a second use.

    `event_id` is the catalogue's id of the event at this gate.
    """

    idempotency_key: IdempotencyKey | None = None
    code: LongText | None = None
    ticket_id: Id | None = None
    event_id: Identifier | None = None
    # It identifies a scan of one ticket, and is never compared with the keys of requests.
    nonce: StoredKey | None = None
    undo: bool = False

    @model_validator(mode="after")
    def _names_one_ticket(self) -> Self:
        if (self.code is None) == (self.ticket_id is None):
            raise ValueError("name the ticket by either code or ticket_id")
        return self
