"""Writes recorded_orders.jsonl: 830 order requests for the recorded catalogue, the same at every run.

    python -m tests.messages.record_orders

All of them are valid, and all are made up: names that are nobody's, addresses at example.com and
example.org. Whoever sends them may set prices.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

import yaml

from schemas.json import JsonObject

HERE = Path(__file__).parent
CATALOGUE = HERE / "recorded_catalogue.yaml"
ORDERS = HERE / "recorded_orders.jsonl"

COUNT = 830
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}
PAYMENT_TYPES = ("cash", "check", "paypal", "evopay", "money_order", "offline", "paypal", "tbd")
FIRST_NAMES = (
    "Ada", "Zoë", "Jörg", "Łucja", "Øystein", "Ñusta", "Пример", "Δοκιμή", "مثال", "דוגמה", "テスト", "例子",
    "예시", "ตัวอย่าง", "उदाहरण", "উদাহরণ", "மாதிரி", "ნიმუში", "Օրինակ", "ምሳሌ", "🎭", "e\u0301lodie",
)  # fmt: skip
LAST_NAMES = (
    "Example", "Specimen", "O’Sample-Test", "Beispiel", "Přiklad", "Þórsdæmi", "Образцов", "Υπόδειγμα",
    "تجريبي", "בדיקה", "見本", "太郎見本", "견본", "ทดสอบ", "परीक्षण", "পরীক্ষা", "சோதனை", "მაგალითი", "Նմուշ",
    "ናሙና", "Thử Nghiệm", "👩‍🚀 Example",
)  # fmt: skip
CITIES = ("Sampleton", "Musterstadt", "Ville-Exemple", "見本市", "مدينة المثال", "Образцовск")
COUNTRIES = ("US", "DE", "FR", "JP", "KW", "GR")

_Thing = TypeVar("_Thing")


class Dice:
    """Chance that falls the same way on every Python: only `Random.random` is promised to."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, limit: int) -> int:
        """Return 0 to limit − 1."""
        return int(self._random.random() * limit)

    def between(self, first: int, last: int) -> int:
        """Return first to last, both included."""
        return first + self.below(last - first + 1)

    def happens(self, percent: int) -> bool:
        """Say yes that often."""
        return self.below(100) < percent

    def one_of(self, things: Sequence[_Thing]) -> _Thing:
        """Return one of them."""
        return things[self.below(len(things))]


def record(catalogue: JsonObject) -> bytes:
    """Return the recorded orders as JSON Lines."""
    dice = Dice(COUNT)
    requests = (_request(dice, catalogue["events"], number) for number in range(1, COUNT + 1))
    lines = (json.dumps(request, ensure_ascii=False, separators=(",", ":")) for request in requests)
    return "".join(line + "\n" for line in lines).encode()


def _request(dice: Dice, all_events: Sequence[JsonObject], number: int) -> JsonObject:
    currency = dice.one_of(("USD", "EUR", "JPY", "KWD"))
    decimals = DECIMALS[currency]
    events = [event for event in all_events if event["currency"] == currency]
    if dice.happens(75):
        events = [dice.one_of(events)]
    request: JsonObject = {"idempotency_key": f"recorded-{number:04}"}
    if len(events) == 1 and dice.happens(60):
        request["event_id"] = events[0]["id"]
    if dice.happens(50):
        request["currency"] = currency
    request["buyer"] = _buyer(dice, number)
    if dice.happens(30):
        request["billing_address"] = _address(dice)
    sold = [_line(dice, dice.one_of(events), decimals) for _ in range(dice.between(1, 6))]
    request["line_items"] = [line for line, _, _ in sold]
    worth = sum(units for _, _, units in sold)

    for field, percent, most in (
        ("shipping", 40, 1_500), ("service_fee", 50, 900), ("additional_expense", 15, 4_000)
    ):  # fmt: skip
        if dice.happens(percent):
            request[field] = _written(dice, dice.below(most), decimals)
    if dice.happens(15):
        request["tax"] = _written(dice, dice.below(worth // 5 + 2), decimals)
    promo = _promo(dice, [event for _, event, _ in sold], worth, decimals)
    # The largest promo code that goes with a discount takes a third; together they stay below the lines.
    if dice.happens(30) and promo.get("percent") != "100":
        request["discount"] = _written(dice, dice.below(worth // 3 + 1), decimals)
    if promo:
        request["promo_code"] = promo["code"]
    elif dice.happens(10):
        request["promo_code"] = None
    if dice.happens(60):
        request["payments"] = _payments(dice, worth, decimals)
    if dice.happens(25):
        request["reference"] = f"PO-{number}"
    return request


def _buyer(dice: Dice, number: int) -> JsonObject:
    buyer = {
        "first_name": dice.one_of(FIRST_NAMES),
        "last_name": dice.one_of(LAST_NAMES),
        "email": f"buyer-{number:04}@{dice.one_of(('example.com', 'example.org'))}",
    }
    if dice.happens(20):
        buyer["company"] = f"{dice.one_of(LAST_NAMES)} & Co."
    if dice.happens(20):
        buyer["phone"] = f"+1 555 01{dice.below(100):02}"
    return buyer


def _address(dice: Dice) -> JsonObject:
    return {
        "line_1": f"{dice.between(1, 99)} Example Street",
        "city": dice.one_of(CITIES),
        "country": dice.one_of(COUNTRIES),
        "postal_code": f"{dice.below(100_000):05}",
    }


def _line(dice: Dice, event: JsonObject, decimals: int) -> tuple[JsonObject, JsonObject, int]:
    """Return a line, its event, and what it is worth in minor units before any tax."""
    ticket_class = dice.one_of(event["ticket_classes"])
    quantity = dice.between(1, 8)
    line: JsonObject = {"ticket_class_id": ticket_class["id"], "quantity": quantity}
    price = _units(ticket_class["price"], decimals)
    if dice.happens(25):
        price = dice.one_of((price, dice.between(0, price + 1_000), dice.below(20)))
        line["unit_price"] = _written(dice, price, decimals)
    elif dice.happens(5):
        line["unit_price"] = None
    if dice.happens(25):
        line["attendees"] = [_attendee(dice) for _ in range(dice.between(1, quantity))]
    return line, event, price * quantity


def _attendee(dice: Dice) -> JsonObject:
    attendee = {"first_name": dice.one_of(FIRST_NAMES)}
    if dice.happens(80):
        attendee["last_name"] = dice.one_of(LAST_NAMES)
    if dice.happens(30):
        attendee["email"] = f"guest-{dice.below(1_000)}@{dice.one_of(('example.com', 'example.org'))}"
    return attendee


def _promo(dice: Dice, events: Sequence[JsonObject], worth: int, decimals: int) -> JsonObject:
    promo_codes = dice.one_of(events).get("promo_codes", [])
    if not promo_codes or not dice.happens(45):
        return {}
    promo: JsonObject = dice.one_of(promo_codes)
    if "amount" in promo and _units(promo["amount"], decimals) * 3 > worth:
        return {}
    return promo


def _payments(dice: Dice, worth: int, decimals: int) -> list[JsonObject]:
    payments: list[JsonObject] = [
        {"type": dice.one_of(PAYMENT_TYPES), "amount": _written(dice, dice.below(worth // 2 + 2), decimals)}
        for _ in range(dice.below(3))
    ]
    if not payments or dice.happens(50):
        payments.append({"type": dice.one_of(PAYMENT_TYPES)})
    return payments


def _units(amount: str, decimals: int) -> int:
    whole, _, fraction = amount.partition(".")
    return int(whole + fraction.ljust(decimals, "0"))


def _written(dice: Dice, units: int, decimals: int) -> str:
    """Return the amount as some sender may write it: `5.50`, `5.5`, `5.00` or `5`."""
    if decimals == 0:
        return str(units)
    whole, fraction = divmod(units, 10**decimals)
    digits = f"{fraction:0{decimals}}"
    if dice.happens(20):
        digits = digits.rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


if __name__ == "__main__":
    ORDERS.write_bytes(record(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))))
