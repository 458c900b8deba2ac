"""The catalogue file: events, ticket classes, seats, tax rules and promo codes."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from schemas.dialects import DialectName
from schemas.money import Amount, Currency, has_too_many_decimals
from schemas.order_fields import SeatOrder
from schemas.presentation import EventDetails, Organisation, TicketClassDetails
from schemas.text import Identifier, ShortText, WireModel

TaxRounding = Literal["line", "sum_by_net", "sum_by_net_keep_gross"]
_SEAT_RANGE = re.compile(r"(\d{1,4})-(\d{1,4})")
MAX_CAPACITY = 1_000_000


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"{name} is not a time zone of the IANA database")
    return name


Timezone = Annotated[str, AfterValidator(_known_timezone)]
Moment = Annotated[AwareDatetime, Field(strict=False)]
Rate = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6, strict=False)]


class TaxRule(WireModel):
    """How an event's tax is computed: the rate (a fraction), included or added, and its rounding.

    Without a `rounding`, included tax is rounded so that the advertised price is charged.
    """

    name: ShortText
    rate: Rate
    is_included: bool = False
    rounding: TaxRounding = "line"

    @model_validator(mode="before")
    @classmethod
    def _keeps_gross(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("is_included") is True:
            return {"rounding": "sum_by_net_keep_gross"} | values
        return values


class TicketClass(WireModel):
    """A sellable kind of ticket; with `seats`, its capacity is the number of seats.

    `office` is its owner, and `cost` the cost per ticket of a purchase; the default is the price.
    """

    id: Identifier
    name: ShortText
    price: Amount
    capacity: Annotated[int, Field(ge=0, le=MAX_CAPACITY)] | None = None
    section: ShortText | None = None
    row: ShortText | None = None
    seats: Annotated[tuple[ShortText, ...], Field(strict=False)] = ()
    seat_order: SeatOrder = "consecutive"
    office: Identifier | None = None
    cost: Amount | None = None
    details: TicketClassDetails | None = None

    @model_validator(mode="after")
    def _has_a_capacity(self) -> Self:
        labels = self.seat_labels()
        if len(set(labels)) != len(labels):
            raise ValueError("a seat is named twice")
        if not labels and self.capacity is None:
            raise ValueError("a ticket class needs a capacity or seats")
        if labels and self.capacity not in (None, len(labels)):
            raise ValueError(f"the capacity is {self.capacity}, but {len(labels)} seats are named")
        return self

    def seat_labels(self) -> list[str]:
        """Return the seats one by one, in their order: `["1-3", "5"]` becomes `1, 2, 3, 5`."""
        return [label for seats in self.seats for label in _expand(seats)]

    def seat_positions(self) -> list[tuple[int, str]]:
        """Return the seats with their positions; adjacent seats have consecutive positions."""
        return positions_of(self.seat_labels(), self.seat_order)

    def total_capacity(self) -> int:
        """Return the total number of tickets."""
        return len(self.seat_labels()) or self.capacity or 0


def positions_of(labels: Sequence[str], seat_order: SeatOrder) -> list[tuple[int, str]]:
    """Return seats with their positions; adjacent seats have consecutive positions.

    With `odd_even`, seats 1, 3 and 5 are adjacent, and a gap separates the last odd seat from seat 2.
    """
    if seat_order == "consecutive":
        return list(enumerate(labels))
    odd = [label for label in labels if label.isdecimal() and int(label) % 2]
    even = [label for label in labels if label not in odd]
    return [*enumerate(odd), *enumerate(even, len(odd) + 1)]


def _expand(seats: str) -> Iterator[str]:
    match = _SEAT_RANGE.fullmatch(seats)
    if match is None:
        yield seats
        return
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise ValueError(f"the seats {seats} run backwards: put the lower number first")
    yield from (str(number) for number in range(first, last + 1))


def promo_code_key(code: str) -> str:
    """Return the key that all spellings of one promo code share: without case and surrounding blanks."""
    return code.strip().casefold()


class PromoCode(WireModel):
    """A percentage of the event's lines, or an amount, off the order; `max_uses` counts orders."""

    code: Identifier
    percent: Annotated[Decimal, Field(gt=0, le=100, max_digits=7, decimal_places=4, strict=False)] | None = (
        None
    )
    amount: Amount | None = None
    max_uses: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("a promo code needs either a percent or an amount, not both")
        return self


class Event(WireModel):
    """An event; it is on sale from `on_sale_from`, or at once, until `on_sale_until`, or its end."""

    id: Identifier
    name: ShortText
    starts_at: Moment
    ends_at: Moment
    timezone: Timezone
    currency: Currency
    on_sale_from: Moment | None = None
    on_sale_until: Moment | None = None
    tax: TaxRule | None = None
    ticket_classes: Annotated[tuple[TicketClass, ...], Field(strict=False)]
    promo_codes: Annotated[tuple[PromoCode, ...], Field(strict=False)] = ()
    details: EventDetails | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.ends_at < self.starts_at:
            raise ValueError("the event's end is before its start")
        if self.on_sale_from is not None and self.on_sale_from >= (self.on_sale_until or self.ends_at):
            raise ValueError("the event's sale must end after it begins")
        _once("promo code", [promo.code for promo in self.promo_codes], promo_code_key)
        amounts = [item.price for item in self.ticket_classes]
        amounts += [item.cost for item in self.ticket_classes if item.cost is not None]
        amounts += [promo.amount for promo in self.promo_codes if promo.amount is not None]
        for amount in amounts:
            if has_too_many_decimals(amount, self.currency):
                raise ValueError(f"{amount} has more decimals than {self.currency}")
        return self


class FraudRules(WireModel):
    """The rules that make an order suspicious; an omitted rule is not applied.

    `countries` are the allowed countries of billing addresses. `max_orders` limits the orders of one e-mail
    address, or of one IP address, within `within_hours`. A suspicious order is marked for review, or declined
    if `declines` is true.
    """

    max_total: Amount | None = None
    max_quantity: Annotated[int, Field(ge=1)] | None = None
    needs_address: bool = False
    countries: Annotated[tuple[ShortText, ...], Field(strict=False)] = ()
    max_orders: Annotated[int, Field(ge=1)] | None = None
    within_hours: Annotated[int, Field(ge=1, le=8_760)] = 24
    declines: bool = False


class TenantSettings(WireModel):
    """A tenant's settings for its orders."""

    issues_tickets: Literal["on_confirmation", "on_payment"] = "on_confirmation"
    cancels_unpaid: bool = False
    returns_promo_uses: bool = True
    fraud_rules: FraudRules | None = None


class Catalogue(WireModel):
    """One tenant's catalogue file; without `settings` or `organisation`, the stored ones stay."""

    tenant: Identifier
    settings: TenantSettings | None = None
    organisation: Organisation | None = None
    aliases: dict[DialectName, Annotated[tuple[Identifier, ...], Field(strict=False)]] = Field(
        default_factory=dict
    )
    events: Annotated[tuple[Event, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _names_things_once(self) -> Self:
        _once("event", [event.id for event in self.events])
        _once("ticket class", [item.id for event in self.events for item in event.ticket_classes])
        return self


def _once(what: str, names: list[str], key: Callable[[str], str] = str) -> None:
    seen: set[str] = set()
    for name in names:
        if key(name) in seen:
            raise ValueError(f"the {what} {name} is listed twice")
        seen.add(key(name))
