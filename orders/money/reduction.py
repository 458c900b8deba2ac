"""What a given discount and tax do when tickets leave an order: one rule, wherever they leave it.

Each ticket keeps its share. What was taken off the tickets and their tax shrinks with them, in proportion to
Σ(unit price × quantity); what was taken off beyond them (off the shipping, say) stays. A tax that the
producer gave shrinks in the same proportion, and a promo code's amount in that of its own event. So the
refund for a ticket is what that ticket cost, and no other ticket is paid for by it.
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
    """What was on and off an order's tickets: the tax on top of them, and what a promo code took off."""

    tax: Decimal = ZERO
    by_promo_code: Decimal = ZERO


def reduced(charges: Charges, before: Amounts, after: Amounts, off: Off, currency: str) -> Charges:
    """Return the charges for what is left of the tickets; an order whose tickets cost no less keeps them.

    Shares are rounded half up to the currency's minor unit. A promo code that is a percentage needs no rule:
    it counts on the lines that are left.
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
    """Return what is still taken off; `tickets` is the most of it that can have been off the tickets."""
    if left >= whole:
        return amount
    off_tickets = min(amount, tickets)
    return round_money(off_tickets * left / whole, currency) + amount - off_tickets
