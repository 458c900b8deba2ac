"""The diagrams show the states that the code has."""

import re
from pathlib import Path
from typing import get_args

from orders.changing.status import ALLOWED
from schemas.order_fields import TicketStatus

PAGE = (Path(__file__).parents[2] / "docs/diagrams.md").read_text()


def _moves(heading: str) -> set[tuple[str, str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^    (\w+) --> (\w+)", section, re.MULTILINE))


def test_orders_move_as_the_code_allows() -> None:
    allowed = {(status, to) for status, following in ALLOWED.items() for to in following}
    assert {move for move in _moves("The states of an order") if move[0] != move[1]} == allowed


def test_every_status_of_a_ticket_is_shown() -> None:
    moves = _moves("The states of a ticket")
    assert {status for move in moves for status in move} == set(get_args(TicketStatus))
