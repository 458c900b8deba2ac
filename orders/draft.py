"""A request on its way through the batch: each step of the path fills in its part, or rejects it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orders.errors import RejectedRequest
from orders.offers import Pick
from orders.pricing import PricedOrder
from schemas.orders import OrderRequest
from schemas.outcomes import Rejection
from schemas.requests import Request


@dataclass(slots=True)
class Draft:
    """One request of a batch and what is known of it so far.

    `order_id` is the order's key from the start, so that every row can be made before any is written.
    Ids are text: they are written into many rows, and making text of a UUID is not free.
    """

    request: Request
    request_id: str
    tenant_id: str
    idempotency_key: str
    body_hash: bytes
    order_id: str
    order: OrderRequest | None = None
    rejections: tuple[Rejection, ...] = ()
    picked: Pick | None = None
    priced: PricedOrder | None = None
    seats: list[list["Seat"]] = field(default_factory=list)
    words: dict[str, Any] = field(default_factory=dict)

    def reject(self, error: RejectedRequest) -> None:
        """Refuse the request, for a reason that its producer can read."""
        self.rejections = (error.rejection,)

    @property
    def is_rejected(self) -> bool:
        """Say whether there are reasons against it."""
        return bool(self.rejections)


@dataclass(frozen=True, slots=True)
class Seat:
    """A numbered seat that an order's line was given."""

    id: str
    label: str


def alive(drafts: Iterable[Draft]) -> list[Draft]:
    """Return those that were not rejected yet, in their order."""
    return [draft for draft in drafts if not draft.is_rejected]
