"""Who sells, and on which terms."""

from dataclasses import dataclass, field

from orders.catalogue.ticket_codes import TicketKey
from schemas.catalogue import FraudRules
from schemas.order_fields import MAX_TICKETS


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who sells, and what signs its tickets."""

    id: str
    name: str
    key: TicketKey
    group_secret: bytes = field(repr=False)
    """What the signatures of its ticket groups are made with."""
    issues_on_payment: bool
    """Whether tickets get their codes when the order is fully paid, and not before."""
    cancels_unpaid: bool
    """Whether an order that was not paid in full in time is cancelled."""
    fraud_rules: FraudRules | None
    returns_promo_uses: bool = True
    """Whether an order that is cancelled gives back its use of a promo code."""
    max_tickets: int = MAX_TICKETS
    """How many tickets an order may have."""
