"""Errors, sorted by consequence: a `RejectedRequest` ends as an answer to the producer.

Everything that is neither this nor a lost connection is unexpected: it is tried again, alone, and
ends as a dead letter.
"""

from schemas.outcomes import Rejection, RejectionCode


class RejectedRequest(Exception):
    """A request was refused, and its producer can read why."""

    code: RejectionCode = "invalid"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.rejection = Rejection(self.code, field, message)


class CatalogueChanged(Exception):
    """A ticket class has seats, or none any more, since the batch read its offer: it has to be read again."""


class NotYet(Exception):
    """The request came before what it names; `answer` is its rejection if that does not come in time.

    `waits_for` is what has to happen first: the key of the request that makes its order, or the id of an
    order that has to change or of a hold that has to be taken.
    """

    def __init__(self, answer: RejectedRequest, waits_for: str) -> None:
        super().__init__(str(answer))
        self.answer = answer
        self.waits_for = waits_for


class Invalid(RejectedRequest):
    """The request contradicts itself."""

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
    """Fewer tickets are left than were asked for."""

    code = "sold_out"


class PriceMismatch(RejectedRequest):
    """The sender may not set prices, and named another than the catalogue's."""

    code = "price_mismatch"


class TooManyDecimals(RejectedRequest):
    """An amount has more decimals than its currency."""

    code = "too_many_decimals"


class NegativeTotal(RejectedRequest):
    """The discount is larger than the rest."""

    code = "negative_total"


class UnknownOrder(RejectedRequest):
    """The tenant has no such order."""

    code = "unknown_order"


class SeatUnavailable(RejectedRequest):
    """A seat that was wished for is taken, held or not there."""

    code = "seat_unavailable"


class VersionConflict(RejectedRequest):
    """The order was changed since the sender saw it."""

    code = "version_conflict"


class NotAllowedInStatus(RejectedRequest):
    """What is asked cannot be done to an order, or a ticket, in this status."""

    code = "not_allowed_in_status"


class HoldExpired(RejectedRequest):
    """The hold is over: expired, released, used, or it never was."""

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
    """The ticket was used before."""

    code = "already_checked_in"


class TicketVoided(RejectedRequest):
    """The ticket is no longer valid."""

    code = "ticket_voided"


class NotIssued(RejectedRequest):
    """The ticket has no code yet: its order is not paid."""

    code = "not_issued"


class TooManyTickets(RejectedRequest):
    """The order would have more tickets than one may have."""

    code = "too_many_tickets"


class SalesClosed(RejectedRequest):
    """The event is not on sale yet, or no longer."""

    code = "sales_closed"


class Declined(RejectedRequest):
    """The fraud check says no."""

    code = "declined"


class CurrencyMismatch(RejectedRequest):
    """The order and its events are in different currencies."""

    code = "currency_mismatch"
