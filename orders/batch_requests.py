"""The requests of a batch, well formed: one type a kind, and what became of each so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from orders.catalogue.tenants import Tenant
from orders.errors import NotYet, RejectedRequest
from orders.new_order import NewOrder
from schemas.changes import (
    CancelRequest,
    ExpireRequest,
    LineTerms,
    OrderReference,
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
    """A request whose tenant is known. Ids are text, as everywhere on the path of a batch."""

    request: Request
    id: str
    tenant: Tenant
    key: str
    """The producer's idempotency key, or the request's own id."""
    body_hash: bytes
    order_id: str | None = None
    """The order that it makes or changes, as far as that is known."""
    claimed_for: str | None = None
    """The order that its row in the inbox names since the claim."""
    rejections: tuple[Rejection, ...] = ()
    too_early: NotYet | None = None
    """It waits for what it names, and has an answer if that does not come in time."""

    def reject(self, error: RejectedRequest) -> None:
        """Refuse the request, for a reason that its producer can read."""
        self.rejections = (error.rejection,)

    @property
    def may_set_price(self) -> bool:
        """Say whether the sender may name another price than the catalogue's."""
        return self.request.may_set_price


@dataclass(slots=True, kw_only=True)
class MalformedRequest(Opened):
    """It is rejected; nothing more is known of it."""


@dataclass(slots=True, kw_only=True)
class CreateOrder(Opened):
    """`orders.create`. The order's id is made with the request, so that rows can be made early."""

    body: OrderRequest
    new_order_id: str
    number: int = 0
    """The order's number: it comes with the claim."""
    purchase_number: int = 0
    """The number of the purchase order that the sale may make."""
    substitutes: str | None = None
    """The id of the order that it replaces."""
    ahead: NewOrder | None = None
    """The order as it was made before the locks, where that was possible."""


@dataclass(slots=True, kw_only=True)
class ChangeOrder(Opened):
    """A request on an existing order."""

    body: OrderReference


@dataclass(slots=True, kw_only=True)
class UpdateOrder(ChangeOrder):
    """`orders.update`."""

    body: UpdateRequest
    lines: Sequence[LineTerms] = ()
    """The lines of the patch, where they are well formed: of others nothing is looked up."""


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
    """`orders.expire`: only the schedule asks for it."""

    body: ExpireRequest


@dataclass(slots=True, kw_only=True)
class CheckIn(Opened):
    """`tickets.check_in`."""

    body: CheckInRequest
    ticket_id: str | None = None
    """Which ticket it is; None where the code is no ticket's, and `forgery` says so."""
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
