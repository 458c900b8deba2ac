"""Ticket Evolution on the command line: a call from a file is as many requests as it holds orders."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.messages import recorded
from tests.contract.ticket_evolution.client import sale
from tests.factories import NOW
from tests.intake.cli.conftest import Willcall
from vendors.ticket_evolution.response_models import Order


@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
def test_the_orders_of_a_file_are_made_one_by_one_and_shown_in_its_words(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    load_catalogue(engine, Catalogue.model_validate(recorded("ticket_evolution/catalogue.json")), now=NOW)
    file = tmp_path / "orders.json"
    file.write_text(
        json.dumps({"orders": [sale(), sale(tax="0.07"), sale(seller_id=None)], "check_fraud": True})
    )

    sent = willcall(
        "submit", "--dialect", "ticket_evolution", file, "--tenant", "brokerage", "--wait", "--json"
    )
    first, second, third = sent.json_lines
    shown = willcall("orders", "show", second["order_id"], "--dialect", "ticket_evolution")

    assert (sent.code, shown.code) == (1, 0)
    assert [one["status"] for one in (first, second, third)] == ["processed", "processed", "rejected"]
    assert [error["field"] for error in third["errors"]] == ["seller_id"]
    order = Order.model_validate_json(shown.out, strict=False)
    assert (order.total, order.check_fraud) == ("45.57", True)
