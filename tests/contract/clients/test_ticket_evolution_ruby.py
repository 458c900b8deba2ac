"""Ticket Evolution's own client for Ruby, unmodified, against a real intake."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale
from tests.processes import PATIENCE_SECONDS, ROOT

_SOURCES = ROOT / ".clients" / "ruby"
_RUBY = shutil.which("ruby")


def _has_libraries() -> bool:
    if _RUBY is None:
        return False
    asked = [
        _RUBY,
        "-e",
        "require 'active_support'; require 'yajl'; require 'multi_json'; require 'nokogiri'",
    ]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.usefixtures("worker"),
    pytest.mark.skipif(_RUBY is None, reason="needs Ruby, which is not installed"),
    pytest.mark.skipif(
        not _has_libraries(),
        reason="needs Debian's packages ruby-activesupport, ruby-yajl, ruby-multi-json and ruby-nokogiri",
    ),
    pytest.mark.skipif(
        not (_SOURCES / ".synced").is_file(),
        reason="needs ticketevolution-ruby: `make clients` gets it",
    ),
]


def _call(broker: Broker, *calls: Any) -> list[Any]:
    """Return what the client gives for calls, each the name of its method and the parameters."""
    host = broker.intake.url.removeprefix("http://")
    sent = {"host": host, "token": broker.token, "secret": broker.secret, "calls": calls}
    ran = subprocess.run(
        [str(_RUBY), "-W0", str(Path(__file__).parent / "ruby" / "ticket_evolution.rb"), str(_SOURCES)],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answers: list[Any] = json.loads(ran.stdout)
    return answers


def test_it_creates_an_order_shows_it_and_lists_it(broker: Broker) -> None:
    (created,) = _call(broker, ("create", [sale(external_notes="Åsle, please", reference="PO 7/ä+b")]))
    order = created["body"]
    assert (created["class"], created["status"]) == ("TicketEvolution::Order", 201)
    assert (order["state"], order["total"], order["external_notes"]) == (
        "accepted",
        "45.50",
        ["Åsle, please"],
    )
    shown, listed = _call(
        broker,
        ("show", order["id"]),
        ("list", {"updated_at.gte": "2020-01-01T00:00:00Z", "reference": "PO 7/ä+b", "per_page": 1}),
    )
    assert (shown["class"], shown["status"]) == ("TicketEvolution::Order", 200)
    assert [shown["body"][name] for name in ("id", "oid", "total")] == [
        order[name] for name in ("id", "oid", "total")
    ]
    assert [one["id"] for one in listed["body"]["entries"]] == [order["id"]]


def test_it_is_told_why_orders_failed(broker: Broker) -> None:
    wrong = sale({"ticket_group_id": "nothing", "price": 1, "quantity": 1})
    several, single, unknown = _call(
        broker, ("create", [sale(), wrong]), ("create", [wrong]), ("show", 1099511627775)
    )
    assert sorted(one["state"] for one in several["body"]["entries"]) == ["accepted", "rejected"]
    assert (single["class"], single["status"]) == ("TicketEvolution::ApiError", 422)
    assert list(single["body"]["orders"][0]["errors"]) == ["shipped_items.0.items.0.ticket_group_id"]
    assert (unknown["class"], unknown["status"]) == ("TicketEvolution::ApiError", 404)
    assert unknown["body"]["error"]


def test_it_is_told_of_a_wrong_secret(broker: Broker) -> None:
    broker.secret = "x" * 40
    (refused,) = _call(broker, ("list", {"page": 1}))
    assert (refused["class"], refused["status"]) == ("TicketEvolution::ApiError", 401)
