"""What the model of lives sells, how requests end there, and amounts in whole cents."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from schemas.json import JsonObject

PATIENCE = timedelta(minutes=1)


LATELY = timedelta(minutes=1)


CLOCK_SKEW = timedelta(minutes=5)


TAX_PERCENT = 19


PROMO_CODES: dict[str, JsonObject] = {
    "TEN": {"event": "concert", "percent": 10, "max_uses": None},
    "FIVE": {"event": "concert", "cents": 500, "max_uses": 3},
}


CLASSES: dict[str, JsonObject] = {
    "standing": {"event": "concert", "price": 1000, "capacity": 12, "seats": ()},
    "stalls": {"event": "concert", "price": 2000, "capacity": 9, "seats": tuple("123456789")},
    "pit": {"event": "opera", "price": 1199, "capacity": 7, "seats": ()},
}
"""As on sale at first. The opera's tax comes on top of its prices; the concert has none."""


class Answer(NamedTuple):
    """How a request ends; a rejection has one of the codes."""

    status: str
    codes: frozenset[str] = frozenset()


PROCESSED = Answer("processed")


WAITING = Answer("waiting")


def rejected(*codes: str) -> Answer:
    return Answer("rejected", frozenset(codes))


def cents(amount: Any) -> int:
    return int(Decimal(amount) * 100)


class Refused(Exception):
    """These codes are why."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = codes


class TooEarly(Exception):
    """What the request names is not there yet; it is refused for this code if that does not come in time."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


FEES = ("shipping", "service_fee", "additional_expense")


def moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    kept = {name: value for name, value in target.items() if name not in patch} if target else {}
    return kept | {
        name: merge((target or {}).get(name), value) for name, value in patch.items() if value is not None
    }
