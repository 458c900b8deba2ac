"""The orders of all benchmarks: one ticket each, with an attendee, shipping, a service fee and a tax."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

from db.ids import new_id
from schemas.catalogue import Catalogue

TENANT: Final = "demo"
EVENT: Final = "concert"

SPREAD: Final = tuple(f"class-{number}" for number in range(100))
"""The ticket classes of the catalogue."""

HOT: Final = SPREAD[:1]
"""An on-sale where everybody wants the same."""

_CAPACITY: Final = 1_000_000
_NAMES: Final = ("Ada", "Grace", "Edsger", "Barbara", "Tony", "Radia", "Alan", "Frances", "Niklaus", "Karen")


def catalogue(tenant: str = TENANT) -> Catalogue:
    """Return an event with a tax rule and 100 ticket classes that do not sell out."""
    return Catalogue.model_validate(
        {
            "tenant": tenant,
            "events": [
                {
                    "id": EVENT,
                    "name": "Concert",
                    "starts_at": "2027-04-11T19:00:00+02:00",
                    "ends_at": "2027-04-11T23:00:00+02:00",
                    "on_sale_until": "2099-12-31T00:00:00+00:00",
                    "timezone": "Europe/Paris",
                    "currency": "USD",
                    "tax": {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"},
                    "ticket_classes": [
                        {"id": name, "name": name.title(), "price": "45.50", "capacity": _CAPACITY}
                        for name in SPREAD
                    ],
                }
            ],
        }
    )


def make_orders(count: int, classes: Sequence[str] = SPREAD) -> list[dict[str, Any]]:
    """Return `count` new orders, each with its envelope, over the ticket classes in turn."""
    return [
        _order(number, ticket_class)
        for number, ticket_class in zip(range(count), cycle(classes), strict=False)
    ]


def make_attendee(number: int) -> dict[str, str]:
    """Return one of 1,000 people."""
    first, last = _NAMES[number % 10], f"Example{number % 1_000}"
    email = f"{first.lower()}.{last.lower()}@example.com"
    return {"first_name": first, "last_name": last, "email": email}


def _order(number: int, ticket_class: str) -> dict[str, Any]:
    attendee = make_attendee(number)
    return {
        "tenant": TENANT,
        "request_id": str(new_id()),
        # As from many shops: keys in no order.
        "idempotency_key": uuid4().hex,
        "buyer": {**attendee, "phone": "+33 1 23 45 67 89"},
        "line_items": [{"ticket_class_id": ticket_class, "quantity": 1, "attendees": [attendee]}],
        "shipping": "4.90",
        "service_fee": "2.50",
    }
