"""The fraud check, before an order is confirmed, if its producer requests it.

A check is a function of facts that returns a verdict; the built-in one applies a tenant's rules. It must make
no external calls: a batch holds its locks.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, Protocol

from orders.addresses import compared_address
from orders.batch_requests import CreateOrder
from orders.errors import Declined
from orders.new_order import Quote
from orders.rows import FraudRow
from orders.world import FraudKey, World
from schemas.catalogue import FraudRules


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts for a check; `orders_by_email` and `orders_by_ip` count the checked orders before this."""

    total: Decimal
    quantity: int
    country: str | None
    has_address: bool
    orders_by_email: int
    orders_by_ip: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on an order, and its reasons as sentences."""

    verdict: Literal["passed", "review", "declined"]
    reasons: tuple[str, ...] = ()


class FraudCheck(Protocol):
    """Checks the facts of an order before it is confirmed."""

    def __call__(self, facts: Facts, rules: FraudRules | None) -> Verdict:
        """Return the verdict; `rules` are the tenant's."""


def check_rules(facts: Facts, rules: FraudRules | None) -> Verdict:
    """Return the verdict of a tenant's rules; without rules every order passes."""
    if rules is None:
        return Verdict("passed")
    reasons = []
    if rules.max_total is not None and facts.total > rules.max_total:
        reasons.append(f"the total {facts.total} is over {rules.max_total:f}")
    if rules.max_quantity is not None and facts.quantity > rules.max_quantity:
        reasons.append(f"{facts.quantity} tickets are more than {rules.max_quantity}")
    if rules.needs_address and not facts.has_address:
        reasons.append("there is no billing address")
    if rules.countries and facts.has_address and facts.country not in rules.countries:
        reasons.append(f"the billing address is in {facts.country}")
    if rules.max_orders is not None:
        for count, whose in ((facts.orders_by_email, "e-mail"), (facts.orders_by_ip, "IP")):
            if count >= rules.max_orders:
                reasons.append(f"{count} orders came from this {whose} address in {rules.within_hours} hours")
    if not reasons:
        return Verdict("passed")
    return Verdict("declined" if rules.declines else "review", tuple(reasons))


CHECK: Final[FraudCheck] = check_rules


def fraud_keys(tenant_id: str, email: str | None, ip_address: str | None) -> tuple[FraudKey, FraudKey]:
    """Return the keys under which the checked orders of an address are counted."""
    return (tenant_id, "email", compared_address(email)), (tenant_id, "ip", ip_address)


def check_fraud(world: World, request: CreateOrder, quote: Quote, now: datetime) -> FraudRow | None:
    """Return the verdict on the order, if its producer requests a check. Raises `Declined`."""
    order = quote.order
    if not order.check_fraud:
        return None
    keys = fraud_keys(request.tenant.id, order.buyer.email, order.created_by_ip_address)
    by_email, by_ip = (world.fraud_counts.get(key) or 0 for key in keys)
    address = order.billing_address
    facts = Facts(
        total=quote.priced.total,
        quantity=sum(line.quantity for line in quote.priced.lines),
        country=None if address is None else address.country,
        has_address=address is not None,
        # Buyers without an address are not the same person.
        orders_by_email=by_email if compared_address(order.buyer.email) else 0,
        orders_by_ip=by_ip if order.created_by_ip_address else 0,
    )
    found = CHECK(facts, request.tenant.fraud_rules)
    if found.verdict == "declined":
        raise Declined("the order was declined: " + "; ".join(found.reasons))
    for key in keys:
        world.fraud_counts.put(key, (world.fraud_counts.get(key) or 0) + 1)
    return FraudRow(
        request.new_order_id,
        request.tenant.id,
        compared_address(order.buyer.email),
        order.created_by_ip_address,
        found.verdict,
        list(found.reasons),
        now,
    )
