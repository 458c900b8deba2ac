"""A new order before it is written: its quote, its rows, and its event message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orders.catalogue.prices import Pick
from orders.inventory.seating import Seat
from orders.money.pricing import PricedOrder
from orders.rows import FraudRow, HoldRow, LineRow, NoteRow, OrderRow, PaymentRow, TicketRow, TradeRow
from schemas.order_requests import OrderRequest


class Quote(NamedTuple):
    """A request resolved to the catalogue's offers, and its price."""

    order: OrderRequest
    picked: Pick
    priced: PricedOrder
    holds: Mapping[int, HoldRow]
    """The holds that lines use, by the index of the line."""


@dataclass(slots=True)
class NewOrder:
    """The rows of a new order, in order. A purchase that takes no inventory has no tickets."""

    tenant: str
    quote: Quote
    order: OrderRow
    lines: Sequence[LineRow]
    tickets: Sequence[TicketRow]
    payments: Sequence[PaymentRow]
    notes: Sequence[NoteRow]
    trade: TradeRow | None
    fraud: FraudRow | None
    seats: Mapping[str, Seat]
    """The seats of its tickets, by the seat's id."""
    message_json: str | None = None
    """The data of its event message, the whole order as JSON; None until its seats are known."""
