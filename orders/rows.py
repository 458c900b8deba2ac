"""The rows that the path of a batch reads, makes and writes: one type a table, its columns in their order.

Rows never change: `row._replace(status="voided")` is another row. Ids are text, amounts are `Decimal`,
moments are aware, JSON is what `json` makes of it. A test holds them equal to `db.tables`.
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

    def as_changed(self, now: datetime, told: int) -> "OrderRow":
        """Return the row of the next version, with so many event messages more.

        An order that was paid in full once does not expire any more, nor does a cancelled one.
        """
        is_open = self.paid_in_full_at is None and self.cancelled_at is None
        return self._replace(
            version=self.version + 1,
            last_sequence=self.last_sequence + told,
            updated_at=now,
            expires_at=self.payment_due_at if is_open else None,
        )

    @property
    def balance(self) -> Decimal:
        """Return what the buyer owes; negative when there is money to give back."""
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
    """What an update asked for, or what a cancellation of a part took; to be merged once more."""
    fields: list[JsonObject]
    place: str | None
    """Which of the order's updates comes after which: see `orders.changing.place`."""


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
    """What of a row of `ticket_classes` a purchase makes; the counters are the inventory's."""

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
    """A row of `events`: what a catalogue file says of an event."""

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
    """What of a row of `ticket_classes` a catalogue file says; the counters are the inventory's."""

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
    """What of a row of `promo_codes` a catalogue file says."""

    id: str
    event_id: str
    code: str
    key: str
    percent: Decimal | None
    amount: Decimal | None
    max_uses: int | None


class SeatRow(NamedTuple):
    """What of a row of `seats` is written: by a ticket, or by the hold that is named."""

    id: str
    is_taken: bool
    hold_id: str | None


class NewSeatRow(NamedTuple):
    """A row of `seats` that a purchase or a catalogue file makes; without a position it is gone."""

    id: str
    ticket_class_id: str
    position: int | None
    label: str


class EventRow(NamedTuple):
    """A row of `event_messages`: `data` is JSON, `subject` an order's id (a request's for a rejection)."""

    subject: str
    sequence: int
    tenant_id: str
    type: str
    data: str
    created_at: datetime
