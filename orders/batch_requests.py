"""The opened requests of a batch: one type per kind, validated, with the state of their processing."""

from collections.abc import Sequence
from dataclasses import dataclass

from orders.catalogue.tenants import Tenant
from orders.errors import NotYet, RejectedRequest
from orders.new_order import NewOrder
from schemas.changes import (
    CancelRequest,
    ExpireRequest,
    OrderReference,
    PatchedLine,
    PaymentRecord,
    UpdateRequest,
)
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, HoldRequest, ReleaseRequest
from schemas.order_requests import OrderRequest
from schemas.outcomes import Rejection
from schemas.requests import Request


@dataclass(slots=True, kw_only=True)
class Opened:
    """A validated request of a known tenant. Ids are text, as everywhere in the processing of a batch."""

    request: Request
    id: str
    tenant: Tenant
    key: str
    """The producer's idempotency key, or the request's own id."""
    body_hash: bytes
    order_id: str | None = None
    """The order that it creates or changes, once known."""
    claimed_for: str | None = None
    """The order that its row in the inbox names after the claim."""
    rejections: tuple[Rejection, ...] = ()
    too_early: NotYet | None = None
    """Set if it waits for the order or hold that it names; holds the answer for the end of the wait."""

    def reject(self, error: RejectedRequest) -> None:
        """Reject the request; the producer receives the reason."""
        self.rejections = (error.rejection,)

    @property
    def may_set_price(self) -> bool:
        """Return whether the sender may state prices other than the catalogue's."""
        return self.request.may_set_price


@dataclass(slots=True, kw_only=True)
class MalformedRequest(Opened):
    """A malformed request: it is rejected."""


@dataclass(slots=True, kw_only=True)
class CreateOrder(Opened):
    """`orders.create`. The order's id is created with the request, so that rows can be built early."""

    body: OrderRequest
    new_order_id: str
    number: int = 0
    """The order's number, assigned by the claim."""
    purchase_number: int = 0
    """The number of the purchase order that the sale may create."""
    substitutes: str | None = None
    """The id of the order that it replaces."""
    ahead: NewOrder | None = None
    """The order built before the locks, if that was possible."""


@dataclass(slots=True, kw_only=True)
class ChangeOrder(Opened):
    """A request on an existing order."""

    body: OrderReference


@dataclass(slots=True, kw_only=True)
class UpdateOrder(ChangeOrder):
    """`orders.update`."""

    body: UpdateRequest
    lines: Sequence[PatchedLine] = ()
    """The lines of the patch if they are valid; nothing is looked up for malformed ones."""


@dataclass(slots=True, kw_only=True)
class CancelOrder(ChangeOrder):
    """`orders.cancel`."""

    body: CancelRequest


@dataclass(slots=True, kw_only=True)
class RecordPayment(ChangeOrder):
    """`payments.record`."""

    body: PaymentRecord


@dataclass(slots=True, kw_only=True)
class ExpireOrder(ChangeOrder):
    """`orders.expire`: only the schedule requests it."""

    body: ExpireRequest


@dataclass(slots=True, kw_only=True)
class CheckIn(Opened):
    """`tickets.check_in`."""

    body: CheckInRequest
    ticket_id: str | None = None
    """The ticket's id; None if the code is not a ticket's, and `forgery` states why."""
    forgery: RejectedRequest | None = None


@dataclass(slots=True, kw_only=True)
class TakeHold(Opened):
    """`holds.take`. The hold's id is the request's."""

    body: HoldRequest


@dataclass(slots=True, kw_only=True)
class ExtendHold(Opened):
    """`holds.extend`."""

    body: ExtendRequest


@dataclass(slots=True, kw_only=True)
class ReleaseHold(Opened):
    """`holds.release`."""

    body: ReleaseRequest
