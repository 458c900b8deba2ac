"""Zoho Backstage on the command line: its payloads through the queue, and any order in its words."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.messages import recorded
from tests.factories import NOW, load, make_request, run
from tests.intake.cli.conftest import Willcall
from tests.processes import ROOT
from vendors.zoho_backstage.response_models import PlacedOrder

_SAMPLE = ROOT / "tests/messages/zoho_backstage/create_order.json"


@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
def test_a_payload_in_a_file_becomes_an_order_that_is_shown_in_its_words(
    willcall: Willcall, engine: Engine
) -> None:
    load_catalogue(engine, Catalogue.model_validate(recorded("catalogue.json")), now=NOW)

    sent = willcall(
        "submit", "--dialect", "zoho_backstage", _SAMPLE, "--tenant", "box-office", "--wait", "--json"
    )
    order_id = sent.json["order_id"]
    shown = willcall("orders", "show", order_id, "--dialect", "zoho_backstage")

    assert (sent.code, shown.code) == (0, 0), sent.err + shown.err
    PlacedOrder.model_validate_json(shown.out)
    words = json.loads(shown.out, parse_float=Decimal)
    assert words["cost"]["total"] == Decimal("108.29")
    assert words["created_by"]["id"] == "19593237"  # it came without a key
    assert willcall("orders", "show", order_id, "--json").json["number"] == int(words["id"])


@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
def test_a_payload_that_is_not_in_the_dialect_is_rejected_by_its_own_fields(
    willcall: Willcall, engine: Engine
) -> None:
    load(engine)
    details = {"purchaser_fax": "1"}
    payload = json.dumps({"buyer_details": details, "tickets": [{"ticketclass_id": "standing"}]}).encode()

    ran = willcall(
        "submit", "--dialect", "zoho_backstage", "-", "--tenant", "demo", "--wait", "--json", stdin=payload
    )

    assert (ran.code, ran.json["status"]) == (1, "rejected")
    assert ran.json["errors"][0]["field"] == "buyer_details.purchaser_fax"


def test_any_order_is_shown_in_the_words_of_a_dialect(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    order_id = run(engine, make_request(quantity=2))[0].order_id

    shown = willcall("orders", "show", order_id, "--dialect", "zoho_backstage")

    assert shown.code == 0
    assert [ticket["base_price"] for ticket in shown.json["tickets"]] == [45.5, 45.5]


def test_an_unknown_dialect_is_a_sentence(willcall: Willcall) -> None:
    ran = willcall("orders", "show", "1", "--dialect", "klingon")

    assert ran.code == 1
    assert ran.err.startswith("willcall: unknown dialect klingon; orders can be shown in: canonical, zoho_")
