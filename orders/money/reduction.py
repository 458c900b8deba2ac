"""What a given discount and tax do when tickets leave an order: one rule, wherever they leave it.

Each ticket keeps its share. What was taken off the tickets shrinks with them, in proportion to the subtotal;
what was taken off beyond them (off the shipping, say) stays. A tax that the producer gave shrinks in the same
proportion. So the refund for a ticket is what that ticket cost, and no other ticket is paid for by it.
"""

from dataclasses import replace
from decimal import Decimal

from orders.money.pricing import Charges
from schemas.money import round_money


def reduced(charges: Charges, before: Decimal, after: Decimal, currency: str) -> Charges:
    """Return the charges for a subtotal of `after` where it was `before`; a subtotal that grew changes none.

    Shares are rounded half up to the currency's minor unit. A promo code that is a percentage needs no rule:
    it counts on the lines that are left.
    """
    if after >= before:
        return charges

    def share(amount: Decimal) -> Decimal:
        return round_money(amount * after / before, currency)

    def off(amount: Decimal, tickets: Decimal) -> Decimal:
        off_tickets = min(amount, tickets)
        return share(off_tickets) + amount - off_tickets

    promo_code = charges.promo_code
    by_promo_code = promo_code.amount if promo_code is not None else None
    if promo_code is not None and by_promo_code is not None:
        promo_code = replace(promo_code, amount=off(by_promo_code, before))
    # The promo code comes off first, and the discount off what it has left of the tickets.
    left = before - min(by_promo_code or Decimal(0), before)
    return charges._replace(
        tax=None if charges.tax is None else share(charges.tax),
        discount=off(charges.discount, left),
        promo_code=promo_code,
    )
