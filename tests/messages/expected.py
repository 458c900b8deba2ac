"""What an order costs, computed apart from the program: in fractions and whole minor units.

It reads a request and a catalogue as they are in their files, and shares no code with what it checks.
A promo code may be in one event of the order only, as in the recorded catalogue.
"""

from collections import defaultdict
from fractions import Fraction
from math import floor

from schemas.json import JsonObject

MINOR_UNITS = {"EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}


def expected_total(request: JsonObject, catalogue: JsonObject) -> str:
    """Return the total of the order, as it is written on the wire."""
    return expected_totals(request, catalogue)["total"]


def expected_totals(request: JsonObject, catalogue: JsonObject) -> dict[str, str]:
    """Return the order's `totals` on the wire, of a new order that nobody has refunded yet."""
    decimals = _decimals(request, catalogue)
    lines = _lines(request, catalogue)

    def given(field: str) -> int:
        return _units(request.get(field, "0"), decimals)

    subtotal = sum(line["amount"] for line in lines)
    tax = sum(line["tax"] for line in lines if not line["is_included"])
    included_tax = sum(line["tax"] for line in lines if line["is_included"])
    if request.get("tax") is not None:
        tax = given("tax")
    discount = given("discount") + _promo_discount(request, catalogue, lines, decimals)
    total = subtotal + given("shipping") + given("service_fee") + given("additional_expense") + tax - discount
    paid = _paid(request, total, decimals)
    totals = {
        "subtotal": subtotal,
        "shipping": given("shipping"),
        "service_fee": given("service_fee"),
        "additional_expense": given("additional_expense"),
        "tax": tax,
        "included_tax": included_tax,
        "discount": discount,
        "total": total,
        "paid": paid,
        "balance": total - paid,
        "refunded": 0,
    }
    return {name: _written(units, decimals) for name, units in totals.items()}


def expected_lines(request: JsonObject, catalogue: JsonObject) -> list[dict[str, str]]:
    """Return the amount, tax and rounding of each line, in their order, as on the wire."""
    decimals = _decimals(request, catalogue)
    return [
        {name: _written(line[name], decimals) for name in ("unit_price", "amount", "tax", "rounding")}
        for line in _lines(request, catalogue)
    ]


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def _units(amount: str, decimals: int) -> int:
    units = Fraction(amount) * 10**decimals
    assert units.denominator == 1, f"{amount} has more than {decimals} decimals"
    return int(units)


def _written(units: int, decimals: int) -> str:
    digits = str(abs(units)).rjust(decimals + 1, "0")
    sign = "-" if units < 0 else ""
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def _sold(request: JsonObject, catalogue: JsonObject) -> list[tuple[JsonObject, JsonObject, JsonObject]]:
    """Return each line item with its event and its ticket class."""
    known = {item["id"]: (event, item) for event in catalogue["events"] for item in event["ticket_classes"]}
    return [(item, *known[item["ticket_class_id"]]) for item in request["line_items"]]


def _decimals(request: JsonObject, catalogue: JsonObject) -> int:
    return MINOR_UNITS[_sold(request, catalogue)[0][1]["currency"]]


def _lines(request: JsonObject, catalogue: JsonObject) -> list[JsonObject]:
    decimals = _decimals(request, catalogue)
    lines: list[JsonObject] = []
    by_event: defaultdict[str, list[JsonObject]] = defaultdict(list)
    rules: dict[str, JsonObject | None] = {}
    for item, event, ticket_class in _sold(request, catalogue):
        price = item["unit_price"] if item.get("unit_price") is not None else ticket_class["price"]
        unit_price = _units(price, decimals)
        line = {
            "event": event["id"],
            "unit_price": unit_price,
            "amount": unit_price * item["quantity"],
            "tax": 0,
            "rounding": 0,
            "is_included": False,
        }
        lines.append(line)
        by_event[event["id"]].append(line)
        rules[event["id"]] = event.get("tax")
    if request.get("tax") is None:
        for event_id, of_event in by_event.items():
            rule = rules[event_id]
            if rule is not None:
                _tax(of_event, rule)
    return lines


def _tax(lines: list[JsonObject], rule: JsonObject) -> None:
    rate = Fraction(rule["rate"])
    is_included = rule.get("is_included", False)
    net_sum = 0
    for line in lines:
        line["is_included"] = is_included
        net = _half_up(line["amount"] / (1 + rate)) if is_included else line["amount"]
        line["tax"] = line["amount"] - net if is_included else _half_up(net * rate)
        net_sum += net
    if rule.get("rounding", "line") == "line":
        return
    difference = _half_up(net_sum * rate) - sum(line["tax"] for line in lines)
    each, rest = divmod(abs(difference), len(lines))
    gross = [line["amount"] + (0 if is_included else line["tax"]) for line in lines]
    # Of equal ones the earlier line comes first.
    descending = sorted(range(len(lines)), key=lambda index: (-gross[index], index))
    for rank, line in enumerate(lines[index] for index in descending):
        spread = (each + (rank < rest)) * (1 if difference > 0 else -1)
        line["tax"] += spread
        line["rounding"] = spread
        if is_included:
            line["amount"] += spread


def _promo_discount(
    request: JsonObject, catalogue: JsonObject, lines: list[JsonObject], decimals: int
) -> int:
    code = request.get("promo_code")
    if code is None:
        return 0
    events = {line["event"] for line in lines}
    ((event_id, promo),) = [
        (event["id"], promo)
        for event in catalogue["events"]
        if event["id"] in events
        for promo in event.get("promo_codes", [])
        if promo["code"] == code
    ]
    if "amount" in promo:
        return _units(promo["amount"], decimals)
    amount = sum(line["amount"] for line in lines if line["event"] == event_id)
    return _half_up(amount * Fraction(promo["percent"]) / 100)


def _paid(request: JsonObject, total: int, decimals: int) -> int:
    paid = 0
    for payment in request.get("payments", []):
        if payment.get("amount") is None:
            paid = max(paid, total)
        else:
            paid += _units(payment["amount"], decimals)
    return paid
