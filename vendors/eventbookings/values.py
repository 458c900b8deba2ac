"""The values of EventBookings: amounts, moments, addresses, and ids of objects that have none here."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from schemas.background import EventFacts
from schemas.json import JsonObject
from schemas.money import display_money, quantum
from schemas.order_fields import Address
from vendors.values import moment

LOCALE: Final = "en"
"""The language of the texts, as in the document."""

LOCAL_FORMAT: Final = "%Y-%m-%d %H:%M"
"""The document's "Local format YYYY-MM-DD HH:mm"."""


def amount(value: Decimal, currency: str) -> JsonObject:
    """Return the amount as a decimal string and as a display text: 45.50, $45.50."""
    written = value.quantize(quantum(currency))
    return {"amount": format(written, "f"), "display_text": _display_text(written, currency)}


@lru_cache(maxsize=10_000)
def _display_text(value: Decimal, currency: str) -> str:
    return display_money(value, currency, LOCALE)


def in_both_zones(value: datetime | None, timezone: str) -> JsonObject:
    """Return the moment in UTC (RFC 3339) and in the event's local time; empty texts for None."""
    if value is None:
        return {"utc": "", "local": ""}
    return {"utc": moment(value), "local": value.astimezone(ZoneInfo(timezone)).strftime(LOCAL_FORMAT)}


def address(given: Address | None) -> JsonObject:
    """Return the six parts of an address; unknown parts are empty texts."""
    known = given or Address()
    return {
        "address_line1": known.line_1 or "",
        "address_line2": known.line_2 or "",
        "country": known.country or "",
        "state": known.state or "",
        "city": known.city or "",
        "post_code": known.postal_code or "",
    }


def attributes(values: Mapping[str, Any]) -> list[JsonObject]:
    """Return the values as a list of names and values, the document's general format."""
    return [{"name": name, "value": value} for name, value in values.items()]


def banners(event: EventFacts) -> list[JsonObject]:
    """Return the event's banners."""
    return [
        {"name": banner.name, "image": str(banner.image), "primary": banner.is_primary}
        for banner in event.details.banners
    ]


def customer_id(tenant_id: UUID, order_id: UUID, email: str | None) -> str:
    """Return the id of a customer: the same for all orders of one e-mail address and tenant.

    Without an e-mail address each order has a customer of its own.
    """
    if email is None:
        return str(uuid5(order_id, "customer"))
    return str(uuid5(tenant_id, f"customer:{email.lower()}"))


def occurrence_id(event: EventFacts) -> str:
    """Return the id of the event's one occurrence."""
    return str(uuid5(event.id, "occurrence"))


def session_id(event_id: UUID) -> str:
    """Return the id of the event's one session."""
    return str(uuid5(event_id, "session"))


def is_occurrence(starts_at: datetime, timezone: str, given: str) -> bool:
    """Return whether the event starts at this local time, to the minute."""
    return starts_at.astimezone(ZoneInfo(timezone)).strftime(LOCAL_FORMAT) == given.replace("T", " ")[:16]
