"""What ACME says became of tickets, of orders that no catalogue has."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from schemas.orders import Ticket
from schemas.originals import PastChange
from tests.growth import growth
from vendors.acme.tickets import statuses_of
from vendors.acme.values import TicketStatus

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def make_ticket(number: int, status: str = "valid", line: int = 1) -> Ticket:
    return Ticket.model_validate(
        {
            "id": UUID(int=number), "line_number": line, "ticket_class_id": "c", "seat": None,
            "attendee": None, "status": status, "code": None, "created_at": NOW, "checked_in_at": None,
        }
    )  # fmt: skip


def change(
    number: int,
    voided: Sequence[int] = (),
    issued: Sequence[int] = (),
    **amounts: tuple[str, str],
) -> PastChange:
    """Return a change that took out and put in tickets, and what it did to these amounts of the order."""
    gone = [{"field": f"tickets.{UUID(int=one)}.status", "from": "valid", "to": "voided"} for one in voided]
    names = [f"tickets.{UUID(int=one)}" for one in issued]
    made: list[dict[str, Any]] = [{"field": name, "from": None, "to": {}} for name in names]
    totals = [{"field": f"totals.{name}", "from": old, "to": new} for name, (old, new) in amounts.items()]
    return PastChange(number, UUID(int=number), [*totals, *gone, *made])


def statuses(
    tickets: Sequence[Ticket],
    *changes: PastChange,
    said: Mapping[int, TicketStatus] | None = None,
    refunded: str = "0",
) -> list[str]:
    totals = SimpleNamespace(refunded=Decimal(refunded))
    order: Any = SimpleNamespace(tickets=tickets, totals=totals)
    told = {UUID(int=number): status for number, status in (said or {}).items()}
    return list(statuses_of(order, changes, told).values())


def void(*numbers: int) -> list[Ticket]:
    return [make_ticket(number, "voided") for number in numbers]


def test_a_ticket_is_rebooked_by_the_change_that_puts_another_in_its_place() -> None:
    tickets = [*void(1, 2, 3), make_ticket(4), make_ticket(5)]

    assert statuses(tickets, change(2, [1, 2], [4, 5]), change(3, [3])) == [
        "Rebook", "Rebook", "Void", "Normal", "Normal",
    ]  # fmt: skip


def test_a_ticket_that_comes_later_stands_in_no_place() -> None:
    assert statuses([*void(1), make_ticket(2)], change(2, [1]), change(3, [], [2])) == ["Void", "Normal"]
    assert statuses([*void(1), make_ticket(2)], change(2, [], [2]), change(3, [1])) == ["Void", "Normal"]


def test_a_ticket_of_the_same_item_comes_first() -> None:
    tickets = [make_ticket(1, "voided", 1), make_ticket(2, "voided", 2), make_ticket(3, "valid", 2)]

    assert statuses(tickets, change(2, [1, 2], [3])) == ["Void", "Rebook", "Normal"]


def test_what_was_given_back_is_a_refund_and_what_goes_later_is_not() -> None:
    first = change(2, [1], balance=("0.00", "-10.00"))
    part = change(3, balance=("-10.00", "-4.00"), refunded=("0.00", "6.00"))
    rest = change(4, balance=("-4.00", "0.00"), refunded=("6.00", "10.00"))
    second = change(5, [2], balance=("0.00", "-10.00"))

    assert statuses(void(1), first, part) == ["Void"]
    assert statuses(void(1), first, part, rest) == ["Refund"]
    assert statuses(void(1, 2), first, part, rest, second, refunded="10") == ["Refund", "Void"]


def test_money_may_go_back_before_the_ticket_does() -> None:
    refund = change(2, balance=("0.00", "10.00"), refunded=("0.00", "10.00"))
    gone = change(3, [1], balance=("10.00", "0.00"))

    assert statuses(void(1), refund, gone, refunded="10") == ["Refund"]
    assert statuses(void(1), gone) == ["Void"]  # nobody had paid for it


@pytest.mark.parametrize("status", ["Rebook", "Refund"])
def test_why_a_ticket_is_void_says_who_took_it_out(status: TicketStatus) -> None:
    assert statuses(void(1), change(2, [1]), said={1: status}) == [status]
    assert statuses([make_ticket(1)], said={1: status}) == ["Normal"]


def test_a_ticket_that_was_said_to_be_void_is_not_the_one_that_was_rebooked() -> None:
    tickets = [*void(1, 2), make_ticket(3)]

    assert statuses(tickets, change(2, [1, 2], [3]), said={1: "Void"}) == ["Void", "Rebook", "Normal"]


def make_rebooked(count: int) -> tuple[list[Ticket], PastChange]:
    made = [make_ticket(count + number) for number in range(count)]
    return [*void(*range(count)), *made], change(2, range(count), range(count, 2 * count))


def test_many_tickets_are_told_at_once() -> None:
    assert statuses(*make_rebooked(1_000)).count("Rebook") == 1_000
    # Ten times as many take about ten times as long, and not a hundred times.
    assert growth(lambda rebooked: statuses(*rebooked), make_rebooked(200), make_rebooked(2_000)) < 40
