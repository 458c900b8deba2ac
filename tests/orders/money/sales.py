"""Random sales to price: their lines, rates and discounts, as Hypothesis draws them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from iso4217 import Currency

from orders.catalogue.prices import EventOffer, Pick, PromoCodeOffer, TaxRule, TicketClassOffer
from orders.money.pricing import PricedLine, PricedOrder, price_order
from schemas.order_requests import OrderRequest

DECIMALS = {one.code: one.exponent for one in Currency if one.exponent is not None}
LARGEST = 10**7  # in minor units: eight lines of 1,000 tickets stay below the twelve digits of an amount
EXTRAS = ("shipping", "service_fee", "additional_expense")

# The few with other than two decimals as often as all others.
currencies = st.sampled_from(["JPY", "USD", "KWD", "CLF"]) | st.sampled_from(sorted(DECIMALS))
# Halves and twentieths often end on half a minor unit.
rates = (
    st.sampled_from(["0", "0.000001", "0.05", "0.055", "0.08875", "0.19", "0.5", "0.999999", "1"]).map(
        Decimal
    )
    | st.just(Decimal("0.5"))
    | st.decimals(0, 1, places=6)
)
percentages = st.sampled_from(["2.5", "10", "12.5", "50", "100"]).map(Decimal) | st.decimals(
    "0.0001", 100, places=4
)
# Small amounts are where roundings meet; large ones are where digits could be lost.
small = st.integers(0, 30) | st.integers(0, 100_000)
units = small | st.integers(0, LARGEST)


@dataclass(frozen=True)
class Line:
    """A line to be priced: its event's number, the price in minor units, and whether the request names it."""

    event: int
    price: int
    quantity: int
    is_explicit: bool


@dataclass(frozen=True)
class Sale:
    """An order to be priced, in minor units."""

    currency: str
    rules: tuple[TaxRule | None, ...]
    lines: tuple[Line, ...]
    extras: tuple[int, int, int] = (0, 0, 0)
    discount: int = 0
    tax: int | None = None
    percent: Decimal | None = None

    def price(self, lines: Sequence[Line] | None = None) -> PricedOrder:
        lines = self.lines if lines is None else lines
        events = [
            EventOffer(str(UUID(int=number)), str(number), self.currency, rule)
            for number, rule in enumerate(self.rules)
        ]
        offers = tuple(
            TicketClassOffer(
                str(UUID(int=number)), str(number), events[line.event], self.money(line.price), False
            )
            for number, line in enumerate(lines)
        )
        items = [
            {"ticket_class_id": str(number), "quantity": line.quantity}
            | ({"unit_price": self.written(line.price)} if line.is_explicit else {})
            for number, line in enumerate(lines)
        ]
        request: dict[str, Any] = {
            "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
            "line_items": items,
            "discount": self.written(self.discount),
            **{name: self.written(extra) for name, extra in zip(EXTRAS, self.extras, strict=True)},
        }
        if self.tax is not None:
            request["tax"] = self.written(self.tax)
        promo = self.percent and PromoCodeOffer(
            str(UUID(int=1)), events[lines[0].event].id, "P", self.percent, None
        )
        picked = Pick(offers, self.currency, (promo,) if promo else ())
        return price_order(OrderRequest.model_validate(request), picked, may_set_price=True)

    def money(self, amount: int) -> Decimal:
        return Decimal(amount).scaleb(-DECIMALS[self.currency])

    def written(self, amount: int) -> str:
        return format(self.money(amount), "f")

    def units(self, amount: Decimal) -> int:
        whole = Fraction(amount) * 10 ** DECIMALS[self.currency]
        assert whole.denominator == 1
        return int(whole)

    def of_rule(self, priced: PricedOrder) -> Iterator[tuple[TaxRule, list[PricedLine]]]:
        """Each tax rule with the priced lines of its event."""
        for number, rule in enumerate(self.rules):
            of_event = [line for line in priced.lines if line.offer.event.id == str(UUID(int=number))]
            if rule is not None and of_event:
                yield rule, of_event


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def rules(*roundings: str) -> st.SearchStrategy[TaxRule]:
    return st.builds(TaxRule, rate=rates, is_included=st.booleans(), rounding=st.sampled_from(roundings))


any_rule = rules("line", "sum_by_net", "sum_by_net_keep_gross")
some_rule = st.none() | any_rule
by_line = rules("line")
sums_by_net = rules("sum_by_net")
keeps_gross = rules("sum_by_net_keep_gross")


@st.composite
def sales(
    draw: st.DrawFn,
    rule: st.SearchStrategy[TaxRule | None] = some_rule,
    units: st.SearchStrategy[int] = units,
) -> Sale:
    """Orders of 1 to 8 lines of 1 to 3 events, whose tax is computed and whose discount leaves something."""
    of_event = draw(st.lists(rule, min_size=1, max_size=3))
    lines = draw(
        st.lists(
            st.builds(
                Line,
                event=st.integers(0, len(of_event) - 1),
                price=units,
                quantity=st.integers(1, 3) | st.integers(1, 1_000),
                is_explicit=st.booleans(),
            ),
            min_size=1,
            max_size=8,
        )
    )
    # Sum-by-net may take a minor unit from each line.
    worth = max(sum(line.price * line.quantity for line in lines) - len(lines), 0)
    return Sale(
        currency=draw(currencies),
        rules=tuple(of_event),
        lines=tuple(lines),
        extras=draw(st.tuples(units, units, units)),
        discount=draw(st.integers(0, min(worth, LARGEST))),
    )
