"""Models of the answers: every key is always present."""

from schemas.text import WireModel
from vendors.ticket_evolution.response_parts import (
    Address,
    Amount,
    Client,
    Id,
    Item,
    Party,
    Payment,
    Shipment,
)
from vendors.ticket_evolution.states import State


class Order(WireModel):
    """An order (Orders / Show)."""

    id: int
    oid: str
    url: str
    order_group_id: int
    type: str
    state: State
    buyer_state: State
    seller_state: State
    is_purchase: bool
    consignment: bool
    seller_id: Id | None
    buyer_id: Id | None
    client_id: Id | None
    seller: Party
    buyer: Party
    client: Client | None
    billing_address: Address | None
    billing_address_id: Id | None
    items: tuple[Item, ...]
    shipments: tuple[Shipment, ...]
    payments: tuple[Payment, ...]
    currency: str
    subtotal: Amount
    shipping: Amount
    service_fee: Amount
    additional_expense: Amount
    tax: Amount
    discount: Amount
    total: Amount
    balance: Amount
    pending_balance: Amount
    collected: Amount
    refunded: Amount
    promo_code: str | None
    internal_notes: tuple[str, ...]
    external_notes: tuple[str, ...]
    instructions: str | None
    reference: str | None
    seller_reference_number: str | None
    created_by_ip_address: str | None
    session_id: str | None
    user_agent: str | None
    tax_signature: str | None
    check_fraud: bool
    fraud_check_status: str | None
    substitute_order_link_id: int | None
    substitutions: tuple[int, ...]
    child_orders: tuple[int, ...]
    parent_order_id: int | None
    buyer_cancellation_reason: str | None
    canceled_at: str | None
    created_at: str
    updated_at: str


class Rejected(WireModel):
    """A refused order of a call: the reasons by the order's fields."""

    state: State
    errors: dict[str, tuple[str, ...]]


class RejectedOrders(WireModel):
    """The answer to a call whose orders were all refused, in their order."""

    orders: tuple[Rejected, ...]


class Orders(WireModel):
    """The answer to a call: its orders, in their order."""

    orders: tuple[Order | Rejected, ...]


class OrderPage(WireModel):
    """A page of orders, newest first."""

    orders: tuple[Order, ...]
    total_entries: int
    per_page: int
    current_page: int


class Errors(WireModel):
    """The reasons for refusing a call, by field; `base` for reasons that concern no field."""

    errors: dict[str, tuple[str, ...]]


class Error(WireModel):
    """The reason for refusing a call, if it does not concern the body."""

    error: str
