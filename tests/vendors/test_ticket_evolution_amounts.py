"""Amounts in the answers of Ticket Evolution's dialect."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.ticket_evolution.amounts import amount_text, requested_group


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("4500", "4500.00"),
        ("45.5", "45.50"),
        ("45.50", "45.50"),
        ("3.250", "3.25"),
        ("1E+2", "100.00"),
        ("-4.5", "-4.50"),
        ("99999999999999999", "99999999999999999.00"),
        ("1.255", "1.255"),  # nothing is lost where two decimals are too few
    ],
)
def test_an_amount_has_two_decimals(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount)) == text


@given(st.decimals(-(10**17), 10**17, places=2) | st.integers(-(10**17), 10**17).map(Decimal))
def test_no_cent_is_lost(amount: Decimal) -> None:
    text = amount_text(amount)
    assert re.fullmatch(r"-?\d+\.\d\d", text)
    assert Decimal(text) == amount


def test_amounts_of_a_ticket_group_are_written_alike_and_nothing_else_is_touched() -> None:
    group = {
        "price": "90",
        "cost": "60.5",
        "face_value": 7,
        "retail_price": None,
        "section": "90",
        "row": "1.5",
    }
    assert requested_group(group) == group | {"price": "90.00", "cost": "60.50"}
    assert requested_group("90") is None
