"""Reducing a stated discount and tax when tickets are removed from an order, for whatever reason.

Each ticket keeps its share. The discount on the tickets and their tax shrinks in proportion to Σ(unit price ×
quantity); a discount beyond them (on the shipping, say) stays. A tax that the producer stated shrinks in the
same proportion, and a promo code's amount in the proportion of its own event. So the refund for a ticket is
what that ticket cost, and the other tickets cost the same as before.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from orders.catalogue.prices import PromoCodeOffer
from orders.money.pricing import Charges
from schemas.money import ZERO, round_money

Amounts = Mapping[str, Decimal]
"""Σ(unit price × quantity) of an order's lines, by the event's id."""


class Off(NamedTuple):
    """The added tax and the promo code's discount on an order's tickets."""

    tax: Decimal = ZERO
    by_promo_code: Decimal = ZERO


def reduced(charges: Charges, before: Amounts, after: Amounts, off: Off, currency: str) -> Charges:
    """Return the charges for the remaining tickets; unchanged if the tickets' amount is not lower.

    Shares are rounded half up to the currency's minor unit. A promo code with a percentage needs no rule: it
    applies to the remaining lines.
    """
    whole, left = sum(before.values(), ZERO), sum(after.values(), ZERO)
    if left >= whole:
        return charges
    tickets = whole + off.tax - min(off.by_promo_code, whole)
    return charges._replace(
        tax=None if charges.tax is None else round_money(charges.tax * left / whole, currency),
        discount=_off(charges.discount, whole, left, tickets, currency),
        promo_codes=tuple(_reduced(one, before, after, currency) for one in charges.promo_codes),
    )


def _reduced(promo_code: PromoCodeOffer, before: Amounts, after: Amounts, currency: str) -> PromoCodeOffer:
    if promo_code.amount is None:
        return promo_code
    own, own_left = before.get(promo_code.event_id, ZERO), after.get(promo_code.event_id, ZERO)
    return replace(promo_code, amount=_off(promo_code.amount, own, own_left, own, currency))


def _off(amount: Decimal, whole: Decimal, left: Decimal, tickets: Decimal, currency: str) -> Decimal:
    """Return the remaining discount; `tickets` is the largest part of it that can apply to the tickets."""
    if left >= whole:
        return amount
    off_tickets = min(amount, tickets)
    return round_money(off_tickets * left / whole, currency) + amount - off_tickets
