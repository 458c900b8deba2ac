"""The rows that the processing of a batch reads and writes: one type per table, its columns in order.

Rows are immutable: `row._replace(status="voided")` is another row. Ids are text, amounts are `Decimal`,
moments are aware, JSON is decoded. A test compares them with `db.tables`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from schemas.catalogue import TaxRounding
from schemas.dialects import Extras
from schemas.json import JsonObject
from schemas.order_fields import OrderStatus, PaymentStatus, PaymentType, TicketStatus

HoldStatus = Literal["held", "used", "released", "expired"]
NoteKind = Literal["internal", "external", "instructions"]


class OrderRow(NamedTuple):
    """A row of `orders`."""

    id: str
    number: int
    code: str
    tenant_id: str
    idempotency_key: str
    status: OrderStatus
    payment_status: PaymentStatus
    version: int
    last_sequence: int
    currency: str
    subtotal: Decimal
    shipping: Decimal
    service_fee: Decimal
    additional_expense: Decimal
    tax: Decimal
    included_tax: Decimal
    discount: Decimal
    total: Decimal
    paid: Decimal
    refunded: Decimal
    event_id: str | None
    buyer_first_name: str
    buyer_last_name: str
    buyer_email: str
    buyer_company: str | None
    buyer_phone: str | None
    billing_address: JsonObject | None
    promo_code: str | None
    promo_terms: list[JsonObject] | None
    reference: str | None
    created_at: datetime
    updated_at: datetime
    given_tax: Decimal | None
    given_discount: Decimal | None
    payment_due_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    paid_in_full_at: datetime | None
    expires_at: datetime | None
    extras: Extras | None

    def as_changed(self, now: datetime, messages: int) -> "OrderRow":
        """Return the row of the next version, with `messages` more event messages.

        An order that was ever paid in full, or is cancelled, no longer expires.
        """
        is_open = self.paid_in_full_at is None and self.cancelled_at is None
        return self._replace(
            version=self.version + 1,
            last_sequence=self.last_sequence + messages,
            updated_at=now,
            expires_at=self.payment_due_at if is_open else None,
        )

    @property
    def balance(self) -> Decimal:
        """Return the amount that the buyer owes; negative if a refund is due."""
        return self.total - self.paid + self.refunded


class LineRow(NamedTuple):
    """A row of `order_lines`."""

    order_id: str
    line_number: int
    event_id: str
    ticket_class_id: str
    quantity: int
    unit_price: Decimal
    amount: Decimal
    tax: Decimal
    rounding: Decimal
    tax_rate: Decimal | None
    tax_is_included: bool | None
    tax_rounding: TaxRounding | None


class TicketRow(NamedTuple):
    """A row of `tickets`."""

    id: str
    order_id: str
    line_number: int
    ticket_class_id: str
    seat_id: str | None
    attendee_first_name: str | None
    attendee_last_name: str | None
    attendee_email: str | None
    status: TicketStatus
    code: str | None
    created_at: datetime
    checked_in_at: datetime | None
    check_in_nonce: str | None


class PaymentRow(NamedTuple):
    """A row of `payments`."""

    order_id: str
    payment_number: int
    type: PaymentType
    status: Literal["pending", "completed"]
    amount: Decimal
    created_at: datetime
    is_refund: bool
    reference: str | None


class NoteRow(NamedTuple):
    """A row of `notes`."""

    order_id: str
    note_number: int
    kind: NoteKind
    text: str
    created_at: datetime
    office: str | None


class TradeRow(NamedTuple):
    """A row of `order_trades`."""

    order_id: str
    is_purchase: bool
    consignment: bool
    seller_id: str | None
    buyer_id: str | None
    client_id: str | None
    created_by_ip_address: str | None
    order_group_id: str | None
    substitutes_id: str | None
    counterpart_id: str | None


class ChangeRow(NamedTuple):
    """A row of `order_changes`."""

    order_id: str
    change_number: int
    request_id: str
    kind: str
    changed_by: str | None
    changed_at: datetime
    patch: JsonObject | None
    """The patch of an update, or the parts of a partial cancellation, to merge again after late updates."""
    fields: list[JsonObject]
    place: str | None
    """The order of the order's updates: see `orders.changing.place`."""


class FraudRow(NamedTuple):
    """A row of `fraud_checks`."""

    order_id: str
    tenant_id: str
    email: str
    ip_address: str | None
    verdict: Literal["passed", "review"]
    reasons: list[str]
    checked_at: datetime


class HoldRow(NamedTuple):
    """A row of `holds`."""

    id: str
    tenant_id: str
    ticket_class_id: str
    quantity: int
    unit_price: Decimal
    expires_at: datetime | None
    status: HoldStatus
    order_id: str | None
    created_at: datetime
    updated_at: datetime


class TicketClassRow(NamedTuple):
    """The columns of `ticket_classes` that a purchase writes; the counters are the inventory's."""

    id: str
    tenant_id: str
    event_id: str
    external_id: str
    name: str
    section: str | None
    row: str | None
    price: Decimal
    has_seats: bool
    capacity: int
    office: str | None
    cost: Decimal | None
    bought_by_order_id: str | None


class CatalogueEventRow(NamedTuple):
    """The columns of `events` that a catalogue file writes."""

    id: str
    tenant_id: str
    external_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    on_sale_from: datetime | None
    on_sale_until: datetime | None
    tax_name: str | None
    tax_rate: Decimal | None
    tax_is_included: bool
    tax_rounding: TaxRounding
    details: JsonObject | None


class CatalogueClassRow(NamedTuple):
    """The columns of `ticket_classes` that a catalogue file writes; the counters are the inventory's."""

    id: str
    tenant_id: str
    event_id: str
    external_id: str
    name: str
    section: str | None
    row: str | None
    price: Decimal
    has_seats: bool
    capacity: int
    office: str | None
    cost: Decimal | None
    details: JsonObject | None


class PromoCodeRow(NamedTuple):
    """The columns of `promo_codes` that a catalogue file writes."""

    id: str
    event_id: str
    code: str
    key: str
    percent: Decimal | None
    amount: Decimal | None
    max_uses: int | None


class SeatRow(NamedTuple):
    """The columns of `seats` that a ticket, or the named hold, writes."""

    id: str
    is_taken: bool
    hold_id: str | None


class NewSeatRow(NamedTuple):
    """A row of `seats` for a new seat; without a position the seat is removed."""

    id: str
    ticket_class_id: str
    position: int | None
    label: str


class MessageRow(NamedTuple):
    """A row of `event_messages`: `data` is JSON, `subject` an order's id (a request's for a rejection)."""

    subject: str
    sequence: int
    tenant_id: str
    type: str
    data: str
    created_at: datetime
