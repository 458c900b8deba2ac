"""What is on sale in the system under test."""

from copy import deepcopy
from typing import Any, Final

TENANT: Final = "101"
"""A tenant whose name is a number, as one of the dialects wants it."""

EVENT: Final = "11"
TAXED_EVENT: Final = "12"

TAX_PERCENT: Final = 19
"""Of the taxed event, on top of its prices, rounded for each line."""

_PLENTY: Final = 1_000_000

RUSHED: Final = tuple(str(number) for number in range(400, 500))
"""Ticket classes with few tickets each: buyers go from the one to the next."""

PRICES: Final = {
    "1": "45.50",
    "2": "10.99",
    "3": "80.00",
    "4": "25.00",
    "5": "33.33",
    "6": "12.00",
    "7": "20.00",
    **dict.fromkeys(RUSHED, "15.00"),
}
"""Before any of them changes."""

STANDING: Final = "1"
BALCONY: Final = "2"
SEATED: Final = "3"
SCARCE: Final = "4"
TAXED: Final = "5"
HELD: Final = "6"
REPRICED: Final = "7"
"""Its price changes now and then."""

SCARCE_CAPACITY: Final = 40

RUSHED_CAPACITY: Final = 10

PROMO_CODES: Final = tuple(f"FEW{number}" for number in range(100))
"""Promo codes that few may use: buyers go from the one to the next."""
PROMO_AMOUNT: Final = "1.00"
PROMO_USES: Final = 5

_CAPACITIES: Final = {SCARCE: SCARCE_CAPACITY, **dict.fromkeys(RUSHED, RUSHED_CAPACITY)}


def _ticket_class(id_: str) -> dict[str, Any]:
    words: dict[str, Any] = {"id": id_, "name": f"Class {id_}", "price": PRICES[id_]}
    if id_ == SEATED:
        return words | {"section": "A", "row": "1", "seats": ["1-5000"]}
    return words | {"capacity": _CAPACITIES.get(id_, _PLENTY)}


def _event(id_: str, *classes: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": f"Event {id_}",
        "starts_at": "2090-04-11T19:00:00+02:00",
        "ends_at": "2090-04-11T23:00:00+02:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": [_ticket_class(one) for one in classes],
        **changes,
    }


def with_price(id_: str, price: str) -> dict[str, Any]:
    """Return the catalogue with another price of a ticket class."""
    changed = deepcopy(CATALOGUE)
    for event in changed["events"]:
        for one in event["ticket_classes"]:
            if one["id"] == id_:
                one["price"] = price
    return changed


_TAX: Final = {"name": "VAT", "rate": f"0.{TAX_PERCENT}", "is_included": False, "rounding": "line"}

CATALOGUE: Final[dict[str, Any]] = {
    "tenant": TENANT,
    "aliases": {name: [TENANT] for name in ("zoho_backstage", "acme", "ticket_evolution", "eventbookings")},
    "events": [
        _event(
            EVENT,
            *(STANDING, BALCONY, SEATED, SCARCE, HELD, REPRICED, *RUSHED),
            promo_codes=[
                {"code": code, "amount": PROMO_AMOUNT, "max_uses": PROMO_USES} for code in PROMO_CODES
            ],
        ),
        _event(TAXED_EVENT, TAXED, tax=_TAX),
    ],
}
