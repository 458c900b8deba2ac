"""Which update of an order of the model comes after which, and what both make of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from schemas.json import JsonObject
from schemas.requests import Request
from tests.orders.lives.life_terms import merge, money
from tests.orders.lives.life_tickets import line_tickets


def asked_at(id: UUID) -> datetime:
    """Return when a request was accepted: the first 48 bits of its id are milliseconds."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def expected_versions(body: JsonObject) -> list[int]:
    return list(
        body.get("expected_versions", [body["expected_version"]] if "expected_version" in body else [])
    )


def find_place(order: JsonObject, body: JsonObject, request: Request) -> tuple[int, list[JsonObject]]:
    """Return the place of a change, a number, and the changes that were decided already and come after it.

    The place is the id of the request, which is a time; but after all that its sender may have seen.
    """
    is_dated = request.request_id.version == 7
    seen = max(*expected_versions(body), request.seen_version or 0, 0) if is_dated else order["version"]
    known = [change["place"] for change in order["changes"] if change["version"] <= seen]
    place = max(request.request_id.int if is_dated else 0, *(one + 1 for one in known), 0)
    later = [
        change
        for change in order["changes"]
        if change["version"] > seen and (change["place"], change["id"]) > (place, request.request_id.int)
    ]
    return place, sorted(later, key=lambda change: (change["place"], change["id"]))


def keep_change(order: JsonObject, request: Request, place: int, what: JsonObject) -> JsonObject:
    change = {"version": order["version"] + 1, "place": place, "id": request.request_id.int, **what}
    change["subtotal"] = None
    order["changes"].append(change)
    return change


def merge_terms(
    order: JsonObject, patch: JsonObject, later: Sequence[JsonObject]
) -> tuple[JsonObject, set[str]]:
    """Return what the order is to be, and the words that somebody named; later changes count once more."""
    updates = [change["patch"] for change in later if "patch" in change]
    # What a later update named as a whole stands; of a buyer it names parts.
    settled = {name for one in updates for name in one} - {"buyer"}
    patch = {name: value for name, value in patch.items() if name not in settled}
    terms, named = merge(terms_of(order), patch), set(patch)
    for one in updates:
        terms = merge(terms, {name: one[name] for name in one if name == "buyer" and name in patch})
    for change in later:
        if "cancelled" in change and "line_items" in named:
            terms["line_items"] = without_cancelled(order, terms["line_items"], change)
            if not terms["line_items"]:
                # Nothing is left of the lines that were asked for: those that the order has now stay.
                named.discard("line_items")
    return terms, named


def without_cancelled(order: JsonObject, items: Sequence[JsonObject], change: JsonObject) -> list[JsonObject]:
    """Return the lines as they are without the tickets that were cancelled after they were asked for."""
    left = [dict(item) for item in items]
    gone = [order["tickets"][number] for number in change["cancelled"]]
    for number in dict.fromkeys(ticket["line"] for ticket in gone):
        tickets = [ticket for ticket in gone if ticket["line"] == number]
        by_number = [one for one in left if one.get("line_number") == number]
        name = tickets[0]["class"]
        by_class = [one for one in left if "line_number" not in one and one["ticket_class_id"] == name]
        item = next(iter(by_number + by_class), None)
        if item is None:
            continue
        if number in change["lines"] or item["quantity"] <= len(tickets):
            left = [one for one in left if one is not item]
            continue
        item["quantity"] -= len(tickets)
        if "seats" in item:
            seats = {ticket["seat"] for ticket in tickets}
            item["seats"] = [seat for seat in item["seats"] if seat not in seats]
            item["quantity"] = len(item["seats"])
        if "attendees" in item:
            gone_places = {change["places"][ticket["number"]] for ticket in tickets}
            kept = [one for place, one in enumerate(item["attendees"]) if place not in gone_places]
            item["attendees"] = kept[: item["quantity"]]
    return left


def terms_of(order: JsonObject) -> JsonObject:
    """Return the order in the words that a patch is merged into."""
    terms: JsonObject = {
        "buyer": {"first_name": order["buyer"]},
        "line_items": [
            {
                "line_number": number,
                "ticket_class_id": line["class"],
                "quantity": line["quantity"],
                "attendees": [
                    {"first_name": ticket["name"]} if ticket["name"] else {}
                    for ticket in line_tickets(order, number)
                ],
            }
            for number, line in order["lines"].items()
            if line["quantity"]
        ],
        "discount": money(order["given_discount"]),
        **({} if order["due"] is None else {"payment_due_at": order["due"].isoformat()}),
        **{name: money(amount) for name, amount in order["fees"].items()},
    }
    if order["given_tax"] is not None:
        terms["tax"] = money(order["given_tax"])
    return terms
