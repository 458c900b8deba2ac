"""What an order of the model costs, what was paid for it, and how both shrink."""

from collections import Counter

from schemas.json import JsonObject
from tests.orders.lives.life_terms import CLASSES, half_up


def close_refunded(order: JsonObject) -> None:
    """Cancelled and refunded in either order end the same."""
    if order["status"] == "cancelled" and payment_status(order) == "refunded":
        order["status"] = "refunded"


def ticket_worth(order: JsonObject) -> int:
    return sum(line["quantity"] * line["price"] for line in order["lines"].values() if line["quantity"])


def costs(order: JsonObject) -> JsonObject:
    """Return what the tickets cost, by their events, the tax on them, and what a promo code took off."""
    by_event: Counter[str] = Counter()
    for line in order["lines"].values():
        by_event[CLASSES[line["class"]]["event"]] += line["quantity"] * line["price"]
    promo = order["promo"]
    by_promo = order["discount"] - order["given_discount"]
    if promo is not None and "cents" in promo:
        by_promo = promo["cents"]
    return {"worth": by_event, "tax": order["tax"], "promo": by_promo}


def shrink(order: JsonObject, cost: JsonObject) -> None:
    """Let what was given for the tickets shrink with them; `cost` is what they cost before."""
    worth, rest = sum(cost["worth"].values()), ticket_worth(order)
    if rest >= worth:
        return
    if order["given_tax"] is not None:
        order["given_tax"] = half_up(order["given_tax"] * rest, worth)
    off_tickets = min(order["given_discount"], worth + cost["tax"] - min(cost["promo"], worth))
    order["given_discount"] += half_up(off_tickets * rest, worth) - off_tickets
    promo = order["promo"]
    if promo is not None and "cents" in promo:
        own, own_rest = cost["worth"][promo["event"]], costs(order)["worth"][promo["event"]]
        if own_rest < own:
            off_own = min(promo["cents"], own)
            promo["cents"] += half_up(off_own * own_rest, own) - off_own


def keep_within_total(order: JsonObject) -> None:
    """Let the discount take off no more than there is."""
    wish, order["given_discount"] = order["given_discount"], 0
    price_order(order, codes=[])
    order["given_discount"] = min(wish, order["total"])


def price_order(order: JsonObject, *, codes: list[str]) -> None:
    """Set the amounts of the order; its promo code takes off no more than there is."""
    lines = [line for line in order["lines"].values() if line["quantity"]]
    amounts = [(CLASSES[line["class"]]["event"], line["quantity"] * line["price"]) for line in lines]
    order["subtotal"] = sum(amount for _, amount in amounts)
    order["tax"] = order["given_tax"]
    if order["tax"] is None:
        order["tax"] = sum(
            half_up(line["quantity"] * line["price"] * (line["tax"] or 0), 100) for line in lines
        )
    gross = order["subtotal"] + sum(order["fees"].values()) + order["tax"]
    taken_off, promo = 0, order["promo"]
    if promo is not None:
        of_event = [amount for event, amount in amounts if event == promo["event"]]
        if of_event:
            taken_off = promo.get("cents", half_up(sum(of_event) * promo.get("percent", 0), 100))
    taken_off = max(min(taken_off, gross - order["given_discount"]), 0)
    order["discount"] = order["given_discount"] + taken_off
    order["total"] = gross - order["discount"]
    if order["total"] < 0:
        codes.append("negative_total")


def settle(order: JsonObject) -> None:
    """Remember that the order was paid in full once: it does not expire from then on."""
    order["was_paid"] = order["was_paid"] or payment_status(order) == "paid"


def add_payment(order: JsonObject, amount: int, status: str, *, is_refund: bool) -> None:
    number = len(order["payments"]) + 1
    order["payments"][number] = {"cents": amount, "status": status, "is_refund": is_refund}


def paid_and_refunded(order: JsonObject) -> tuple[int, int]:
    done = [payment for payment in order["payments"].values() if payment["status"] == "completed"]
    refunded = sum(payment["cents"] for payment in done if payment["is_refund"])
    return sum(payment["cents"] for payment in done) - refunded, refunded


def balance(order: JsonObject) -> int:
    paid, refunded = paid_and_refunded(order)
    return int(order["total"]) - paid + refunded


def payment_status(order: JsonObject) -> str:
    paid, refunded = paid_and_refunded(order)
    if order["status"] == "cancelled" and not paid:
        return "paid" if order["was_free"] else "unpaid"  # as it was
    if refunded and refunded >= paid:
        return "refunded"
    if paid - refunded >= order["total"]:
        return "paid"
    return "partially_paid" if paid > refunded else "unpaid"
