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


class CurrencyMismatch(RejectedRequest):
    """The order and its events are in different currencies."""

    code = "currency_mismatch"
