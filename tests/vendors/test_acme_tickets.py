"""What ACME says became of tickets, of orders that no catalogue has."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from schemas.money import ZERO
from schemas.orders import Ticket
from tests.growth import growth
from vendors.acme.tickets import statuses_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def make_ticket(number: int, status: str, created_at: datetime = NOW) -> Ticket:
    return Ticket.model_validate(
        {
            "id": UUID(int=number), "line_number": 1, "ticket_class_id": "c", "seat": None, "attendee": None,
            "status": status, "code": None, "created_at": created_at, "checked_in_at": None,
        }
    )  # fmt: skip


def statuses(*tickets: Ticket) -> list[str]:
    totals = SimpleNamespace(refunded=ZERO, balance=ZERO)
    order: Any = SimpleNamespace(tickets=tickets, created_at=NOW, totals=totals)
    return list(statuses_of(order).values())


def test_each_later_ticket_stands_in_the_place_of_one() -> None:
    void = [make_ticket(number, "voided", NOW + timedelta(days=number)) for number in (0, 1, 3)]
    later = [make_ticket(number, "valid", NOW + timedelta(days=2)) for number in (10, 11, 12)]

    assert statuses(*void, *later) == ["Rebook", "Rebook", "Void", "Normal", "Normal", "Normal"]


def make_rebooked(count: int) -> list[Ticket]:
    void = [make_ticket(number, "voided") for number in range(count)]
    return void + [make_ticket(count + number, "valid", NOW + timedelta(days=1)) for number in range(count)]


def test_many_tickets_are_told_at_once() -> None:
    assert statuses(*make_rebooked(1_000)).count("Rebook") == 1_000
    # Ten times as many take about ten times as long, and not a hundred times.
    assert growth(lambda tickets: statuses(*tickets), make_rebooked(200), make_rebooked(2_000)) < 40
