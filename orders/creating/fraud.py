"""The fraud check: before an order is confirmed, where its producer asks for it.

A check is a value that looks at facts and says what it thinks; the built-in one is a tenant's list of
rules. It asks nobody: a batch holds its locks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, Protocol

import orjson
from sqlalchemy import Connection, text

from db.bulk import array, copy_rows
from db.tables import fraud_checks
from orders.catalogue.tenants import Tenant
from orders.draft import Draft
from orders.errors import Declined
from schemas.catalogue import FraudRules

# Orders of this batch are not among them: those are counted in memory.
_EARLIER = text("""
    SELECT wanted.tenant_id::text, wanted.email, wanted.ip_address,
        (SELECT count(*) FROM fraud_checks c
            WHERE c.tenant_id = wanted.tenant_id AND c.email = wanted.email AND c.checked_at > wanted.since)
            AS by_email,
        (SELECT count(*) FROM fraud_checks c
            WHERE c.tenant_id = wanted.tenant_id AND c.ip_address = wanted.ip_address
            AND c.checked_at > wanted.since) AS by_ip
    FROM unnest(
        CAST(:tenant_ids AS uuid[]), CAST(:emails AS text[]), CAST(:ips AS text[]),
        CAST(:since AS timestamptz[])) AS wanted (tenant_id, email, ip_address, since)
""")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a check may look at; `orders_by_email` and `orders_by_ip` are the checked ones before this."""

    total: Decimal
    quantity: int
    country: str | None
    has_address: bool
    orders_by_email: int
    orders_by_ip: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check thinks of an order, and why; the reasons are sentences."""

    verdict: Literal["passed", "review", "declined"]
    reasons: tuple[str, ...] = ()


class FraudCheck(Protocol):
    """Looks at the facts of an order before it is confirmed."""

    def __call__(self, facts: Facts, rules: FraudRules | None) -> Verdict:
        """Return the verdict; `rules` are the tenant's."""


def check_rules(facts: Facts, rules: FraudRules | None) -> Verdict:
    """Return what a tenant's rules say; without rules every order passes."""
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


def check_fraud(
    connection: Connection, drafts: Sequence[Draft], tenants: Mapping[str, Tenant], now: datetime
) -> None:
    """Set the verdict of each draft that asks for one; reject those that are declined."""
    asking = [draft for draft in drafts if draft.order is not None and draft.order.check_fraud]
    if not asking:
        return
    seen = _earlier(connection, asking, tenants, now)
    for draft in asking:
        rules = tenants[draft.request.tenant].fraud_rules
        email, ip = _keys(draft)
        verdict = CHECK(_facts(draft, seen.get(email, 0), seen.get(ip, 0)), rules)
        draft.fraud_verdict = verdict
        if verdict.verdict == "declined":
            draft.reject(Declined("the order was declined: " + "; ".join(verdict.reasons)))
            continue
        for key in (email, ip):
            seen[key] = seen.get(key, 0) + 1


def write_verdicts(connection: Connection, drafts: Sequence[Draft], now: datetime) -> None:
    """Keep the verdicts of new orders."""
    rows = [
        (
            draft.order_id,
            draft.tenant_id,
            draft.order.buyer.email,
            draft.order.created_by_ip_address,
            draft.fraud_verdict.verdict,
            orjson.dumps(draft.fraud_verdict.reasons).decode(),
            now.isoformat(),
        )
        for draft in drafts
        if draft.fraud_verdict is not None and draft.order is not None
    ]
    columns = ("order_id", "tenant_id", "email", "ip_address", "verdict", "reasons", "checked_at")
    copy_rows(connection, fraud_checks, columns, rows)


_Key = tuple[str, str, str | None]


def _keys(draft: Draft) -> tuple[_Key, _Key]:
    assert draft.order is not None  # noqa: S101 - chosen by it
    return (
        (draft.tenant_id, "email", draft.order.buyer.email),
        (draft.tenant_id, "ip", draft.order.created_by_ip_address),
    )


def _earlier(
    connection: Connection, drafts: Sequence[Draft], tenants: Mapping[str, Tenant], now: datetime
) -> dict[_Key, int]:
    since = []
    for draft in drafts:
        rules = tenants[draft.request.tenant].fraud_rules
        since.append(now - timedelta(hours=rules.within_hours if rules else 0))
    rows = connection.execute(
        _EARLIER,
        {
            "tenant_ids": array(draft.tenant_id for draft in drafts),
            "emails": array(_keys(draft)[0][2] for draft in drafts),
            "ips": array(_keys(draft)[1][2] for draft in drafts),
            "since": array(moment.isoformat() for moment in since),
        },
    )
    seen: dict[_Key, int] = {}
    for row in rows:
        seen[row.tenant_id, "email", row.email] = row.by_email
        seen[row.tenant_id, "ip", row.ip_address] = row.by_ip
    return seen


def _facts(draft: Draft, by_email: int, by_ip: int) -> Facts:
    assert draft.order is not None  # noqa: S101
    assert draft.priced is not None  # noqa: S101 - it is checked when it is priced
    address = draft.order.billing_address
    return Facts(
        total=draft.priced.total,
        quantity=sum(line.quantity for line in draft.priced.lines),
        country=None if address is None else address.country,
        has_address=address is not None,
        orders_by_email=by_email,
        orders_by_ip=by_ip if draft.order.created_by_ip_address else 0,
    )
