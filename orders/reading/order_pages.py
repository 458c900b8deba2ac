"""Pages of a tenant's orders by position, newest first, for dialects with numbered pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, not_, or_, select
from sqlalchemy.sql.expression import false
from sqlalchemy.sql.operators import eq, ge, gt, le, lt

from db.tables import fraud_checks, order_trades, orders, tickets

Comparison = Literal["eq", "gt", "gte", "lt", "lte"]
Moment = tuple[Literal["created_at", "updated_at"], Comparison, datetime]

Stage = Literal["cancelled", "in_review", "without_tickets", "used", "confirmed", "none"]
"""The stage of an order: cancelled; else in review by the fraud check; else a sale whose purchase order was
cancelled and not replaced; else checked in; else confirmed. No order is at `none`."""

_IS_SALE: Final = order_trades.c.is_purchase.is_distinct_from(True)
_COMPARISONS: Final = {"eq": eq, "gt": gt, "gte": ge, "lt": lt, "lte": le}


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """The orders of a tenant to list; None does not restrict. A buyer is an office or a client."""

    tenant_id: UUID
    number: int | None = None
    group_number: int | None = None
    stage: Stage | None = None
    is_purchase: bool | None = None
    seller_id: str | None = None
    is_own_sale: bool = False
    """Whether sales without a seller are this seller's."""
    buyer_id: str | None = None
    buys_office: bool | None = None
    reference: str | None = None
    moments: Sequence[Moment] = ()


def page_of_orders(
    connection: Connection, wanted: OrderSearch, *, offset: int, limit: int
) -> tuple[Sequence[UUID], int]:
    """Return the ids of the orders from a position on, and the number of all orders."""
    conditions = _conditions(wanted)
    count = (
        select(func.count())
        .select_from(orders)
        .outerjoin(fraud_checks, fraud_checks.c.order_id == orders.c.id)
        .outerjoin(order_trades, order_trades.c.order_id == orders.c.id)
        .where(*conditions)
    )
    query = (
        select(orders.c.id)
        .outerjoin(fraud_checks, fraud_checks.c.order_id == orders.c.id)
        .outerjoin(order_trades, order_trades.c.order_id == orders.c.id)
        .where(*conditions)
        .order_by(orders.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    total = connection.execute(count).scalar_one()
    return connection.scalars(query).all(), total


def _conditions(wanted: OrderSearch) -> list[ColumnElement[bool]]:
    trade = order_trades.c
    found: list[ColumnElement[bool]] = [orders.c.tenant_id == wanted.tenant_id]
    if wanted.number is not None:
        found.append(orders.c.number == wanted.number)
    if wanted.group_number is not None:
        first = orders.alias()
        group = select(first.c.id).where(
            first.c.tenant_id == wanted.tenant_id, first.c.number == wanted.group_number
        )
        # Older purchase orders have their group only through their sale.
        of_sale = case((trade.is_purchase, trade.counterpart_id))
        found.append(func.coalesce(trade.order_group_id, of_sale, orders.c.id).in_(group))
    if wanted.stage is not None:
        found.append(_at(wanted.stage))
    if wanted.is_purchase is not None:
        found.append(not_(_IS_SALE) if wanted.is_purchase else _IS_SALE)
    if wanted.seller_id is not None:
        is_unnamed = and_(_IS_SALE, trade.seller_id.is_(None)) if wanted.is_own_sale else false()
        found.append(or_(trade.seller_id == wanted.seller_id, is_unnamed))
    if wanted.buyer_id is not None:
        found.append(or_(trade.buyer_id == wanted.buyer_id, trade.client_id == wanted.buyer_id))
    if wanted.buys_office is not None:
        is_client = and_(_IS_SALE, or_(trade.client_id.is_not(None), trade.buyer_id.is_(None)))
        found.append(not_(is_client) if wanted.buys_office else is_client)
    if wanted.reference is not None:
        found.append(orders.c.reference == wanted.reference)
    found += [_COMPARISONS[how](orders.c[name], value) for name, how, value in wanted.moments]
    return found


def _at(stage: Stage) -> ColumnElement[bool]:
    is_placed = orders.c.status == "placed"
    in_review = fraud_checks.c.verdict.is_not_distinct_from("review")
    of_order = tickets.c.order_id == orders.c.id
    is_used = and_(
        exists().where(of_order, tickets.c.status == "checked_in"),
        ~exists().where(of_order, tickets.c.status == "valid"),
    )
    is_without = _is_without_tickets()
    return {
        "cancelled": ~is_placed,
        "in_review": and_(is_placed, in_review),
        "without_tickets": and_(is_placed, ~in_review, is_without),
        "used": and_(is_placed, ~in_review, ~is_without, is_used),
        "confirmed": and_(is_placed, ~in_review, ~is_without, ~is_used),
        "none": false(),
    }[stage]


def _is_without_tickets() -> ColumnElement[bool]:
    purchase, substitute = orders.alias(), order_trades.alias()
    return and_(
        order_trades.c.is_purchase.is_not_distinct_from(False),
        exists().where(purchase.c.id == order_trades.c.counterpart_id, purchase.c.status != "placed"),
        ~exists().where(substitute.c.substitutes_id == order_trades.c.counterpart_id),
    )
