"""The tickets of an order of the model."""

from collections.abc import Iterator, Sequence

from schemas.json import JsonObject


def valid(order: JsonObject) -> Iterator[JsonObject]:
    return (ticket for ticket in order["tickets"] if ticket["status"] != "voided")


def line_tickets(order: JsonObject, number: int) -> list[JsonObject]:
    return [ticket for ticket in valid(order) if ticket["line"] == number]


def is_meant(ticket: JsonObject, scan: JsonObject) -> bool:
    """Say whether a scan is of this ticket; it names its code or its id."""
    name = "code" if "code" in scan else "id"
    return bool(ticket[name] == scan.get("code", scan.get("ticket_id")))


def issue(order: JsonObject, number: int, seat: str | None, name: str | None) -> None:
    order["tickets"].append(
        {
            "number": len(order["tickets"]),
            "id": None,
            "code": None,
            "line": number,
            "class": order["lines"][number]["class"],
            "seat": seat,
            "name": name,
            "status": "valid",
            "nonce": None,
        }
    )


def last_unused(tickets: Sequence[JsonObject], count: int) -> Sequence[JsonObject]:
    """Return the last tickets, and used ones only where there are no others."""
    unused = [ticket for ticket in tickets if ticket["status"] != "checked_in"]
    used = [ticket for ticket in tickets if ticket["status"] == "checked_in"]
    return ([*used, *unused])[len(tickets) - count :]


def void(tickets: Sequence[JsonObject], codes: list[str]) -> None:
    if any(ticket["status"] == "checked_in" for ticket in tickets):
        codes.append("not_allowed_in_status")
    for ticket in tickets:
        ticket["status"] = "voided"
