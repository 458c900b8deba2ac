"""ACME on the command line: its order objects through the queue, and any order in its words."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.messages import recorded
from tests.factories import NOW
from tests.intake.cli.conftest import Willcall
from tests.processes import ROOT
from vendors.acme.response_models import AnsweredOrder

_SAMPLE = ROOT / "tests/messages/acme/create_order.json"


@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
def test_an_order_object_in_a_file_becomes_an_order_that_is_shown_in_its_words(
    willcall: Willcall, engine: Engine
) -> None:
    load_catalogue(engine, Catalogue.model_validate(recorded("catalogue.json")), now=NOW)

    sent = willcall("submit", "--dialect", "acme", _SAMPLE, "--tenant", "box-office", "--wait", "--json")
    order_id = sent.json["order_id"]
    shown = willcall("orders", "show", order_id, "--dialect", "acme")

    assert (sent.code, shown.code) == (0, 0), sent.err + shown.err
    AnsweredOrder.model_validate_json(shown.out)
    words = json.loads(shown.out, parse_float=Decimal)
    assert (words["id"], words["visitorId"]) == (order_id, "visitor-17")
    assert words["orderItems"][0]["discountedAmount"] == 81
