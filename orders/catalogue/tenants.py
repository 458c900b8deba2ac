"""Tenants and their terms of sale."""

from dataclasses import dataclass, field

from orders.catalogue.ticket_codes import TicketKey
from schemas.catalogue import FraudRules
from schemas.order_fields import MAX_TICKETS


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, with its keys and settings."""

    id: str
    name: str
    key: TicketKey
    group_secret: bytes = field(repr=False)
    """The secret of its ticket groups' signatures."""
    issues_on_payment: bool
    """Whether tickets get their codes only when the order is fully paid."""
    cancels_unpaid: bool
    """Whether orders that are not paid in full in time are cancelled."""
    fraud_rules: FraudRules | None
    returns_promo_uses: bool = True
    """Whether a cancelled order returns its use of a promo code."""
    max_tickets: int = MAX_TICKETS
    """Maximum tickets of an order."""
