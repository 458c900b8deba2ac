"""A request on its way through the batch: each step of the path fills in its part, or rejects it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orders.catalogue.offers import Pick
from orders.errors import RejectedRequest
from orders.holding.holds import Hold
from orders.inventory.seating import Seat
from orders.money.pricing import PricedOrder
from schemas.orders import OrderRequest
from schemas.outcomes import Rejection
from schemas.requests import Request
from schemas.text import Word

if TYPE_CHECKING:
    from orders.creating.fraud import Verdict

Row = dict[str, Any]


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
    order_number: int | None = None
    order: OrderRequest | None = None
    asked: Word | None = None
    """What a request of another kind than `orders.create` asks for."""
    has_order: bool = False
    """Whether the order that a change is about was found."""
    is_waiting: bool = False
    """It came before the order, or the version of it, that it names."""
    holds: dict[int, Hold] = field(default_factory=dict)
    """The holds that lines use, by the index of the line."""
    line_seats: dict[int, list[Seat]] = field(default_factory=dict)
    """The seats that lines were given, by the index of the line."""
    rejections: tuple[Rejection, ...] = ()
    picked: Pick | None = None
    priced: PricedOrder | None = None
    fraud_verdict: "Verdict | None" = None
    signed: dict[int, int] = field(default_factory=dict)
    """How many tickets of a line's class were free when its signature was made, by the line's index."""
    has_tickets: bool = True
    """False of a purchase that takes no inventory: it makes it, or a sale takes it."""
    counterpart_id: str | None = None
    """The purchase order that this sale makes, or the sale that makes this purchase order."""
    order_group_id: str | None = None
    """What the order shares with those that it replaces."""
    rows: "OrderRows | None" = None
    seats: dict[str, Seat] = field(default_factory=dict)
    """The seats of tickets, by the ticket's id."""

    def reject(self, error: RejectedRequest) -> None:
        """Refuse the request, for a reason that its producer can read."""
        self.rejections = (error.rejection,)

    @property
    def is_rejected(self) -> bool:
        """Say whether there are reasons against it."""
        return bool(self.rejections)


@dataclass(frozen=True, slots=True)
class OrderRows:
    """The rows that will be written if the order gets its tickets, each a mapping of columns to values."""

    order: Row
    lines: list[Row]
    tickets: list[Row]
    payments: list[Row]
    notes: list[Row]
    trade: Row | None


def alive(drafts: Iterable[Draft]) -> list[Draft]:
    """Return those that were not rejected yet, in their order."""
    return [draft for draft in drafts if not draft.rejections]


def of_kind(drafts: Iterable[Draft], *kinds: str) -> list[Draft]:
    """Return the drafts of these kinds, in their order."""
    return [draft for draft in drafts if draft.request.kind in kinds]
