"""The shapes of the answers: every key, always."""

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
    """One of the orders of a call that was not made: why, by the order's own fields."""

    state: State
    errors: dict[str, tuple[str, ...]]


class RejectedOrders(WireModel):
    """The answer to a call none of whose orders was made, in their order."""

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
    """Why a call was refused: sentences by the call's own fields; `base` where it is about none of them."""

    errors: dict[str, tuple[str, ...]]


class Error(WireModel):
    """Why a call was refused, where it is not about what the call says."""

    error: str
