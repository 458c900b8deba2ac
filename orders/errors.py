"""Errors, sorted by consequence: a `RejectedRequest` ends as an answer to the producer.

Every other error, except a lost connection, is unexpected: the request is retried alone and ends as a dead
letter.
"""

from schemas.outcomes import Rejection, RejectionCode


class RejectedRequest(Exception):
    """A request was refused; the producer receives the reason."""

    code: RejectionCode = "invalid"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.rejection = Rejection(self.code, field, message)


class CatalogueChanged(Exception):
    """A ticket class gained or lost its seats after the batch read its offer. Read the offer again."""


class NotYet(Exception):
    """The request arrived before the order or hold that it names; `answer` is its rejection after the wait.

    `waits_for` is what must happen first: the key of the request that creates the order, the id of an order
    that must change, or the id of a hold that must be taken.
    """

    def __init__(self, answer: RejectedRequest, waits_for: str) -> None:
        super().__init__(str(answer))
        self.answer = answer
        self.waits_for = waits_for


class Invalid(RejectedRequest):
    """The request is malformed, or contradicts itself."""

    code = "invalid"


class UnknownEvent(RejectedRequest):
    """The tenant has no such event."""

    code = "unknown_event"


class UnknownTicketClass(RejectedRequest):
    """The tenant, or the event, has no such ticket class."""

    code = "unknown_ticket_class"


class UnknownPromoCode(RejectedRequest):
    """No event of the order has such a promo code, or it has been used up."""

    code = "unknown_promo_code"


class SoldOut(RejectedRequest):
    """Fewer tickets are left than requested."""

    code = "sold_out"


class PriceMismatch(RejectedRequest):
    """The sender may not set prices, and the stated price is not the catalogue's."""

    code = "price_mismatch"


class TooManyDecimals(RejectedRequest):
    """An amount has more decimals than its currency."""

    code = "too_many_decimals"


class NegativeTotal(RejectedRequest):
    """The discount is larger than the rest of the order."""

    code = "negative_total"


class UnknownOrder(RejectedRequest):
    """The tenant has no such order."""

    code = "unknown_order"


class SeatUnavailable(RejectedRequest):
    """A requested seat is taken, held or unknown."""

    code = "seat_unavailable"


class VersionConflict(RejectedRequest):
    """The order has changed since the sender read it."""

    code = "version_conflict"


class NotAllowedInStatus(RejectedRequest):
    """The status of the order or the ticket does not allow the request."""

    code = "not_allowed_in_status"


class HoldExpired(RejectedRequest):
    """The hold has expired, was released or used, or never existed."""

    code = "hold_expired"


class UnknownTicket(RejectedRequest):
    """The tenant has issued no such ticket."""

    code = "unknown_ticket"


class ForgedTicket(RejectedRequest):
    """The code was not signed by this tenant."""

    code = "forged_ticket"


class WrongEvent(RejectedRequest):
    """The ticket is for another event."""

    code = "wrong_event"


class AlreadyCheckedIn(RejectedRequest):
    """The ticket was already used."""

    code = "already_checked_in"


class TicketVoided(RejectedRequest):
    """The ticket is no longer valid."""

    code = "ticket_voided"


class NotIssued(RejectedRequest):
    """The ticket has no code yet: its order is not paid."""

    code = "not_issued"


class TooManyTickets(RejectedRequest):
    """The order would exceed the maximum number of tickets."""

    code = "too_many_tickets"


class SalesClosed(RejectedRequest):
    """The event is not on sale yet, or no longer."""

    code = "sales_closed"


class Declined(RejectedRequest):
    """The fraud check declined the order."""

    code = "declined"


class CurrencyMismatch(RejectedRequest):
    """The order and its events are in different currencies."""

    code = "currency_mismatch"
