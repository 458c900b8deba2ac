"""Ticket Evolution's own client for Node, unmodified, against a real intake."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale
from tests.processes import PATIENCE_SECONDS, ROOT

_MODULES = ROOT / ".clients" / "node" / "node_modules"
_NODE = shutil.which("node")
_IS_THERE = (_MODULES / "ticketevolution-node").is_dir()

pytestmark = [
    pytest.mark.usefixtures("worker"),
    pytest.mark.skipif(_NODE is None, reason="needs Node, which is not installed"),
    pytest.mark.skipif(not _IS_THERE, reason="needs ticketevolution-node: `make clients` gets it from npm"),
]


def _call(broker: Broker, *calls: Any) -> list[Any]:
    """Return what the client gives for calls, each the name of its function, a path, and a body."""
    sent = {"base": broker.intake.url, "token": broker.token, "secret": broker.secret, "calls": calls}
    ran = subprocess.run(
        [str(_NODE), str(Path(__file__).parent / "node" / "ticket_evolution.js")],
        input=json.dumps(sent),
        env={**os.environ, "NODE_PATH": str(_MODULES)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[Any] = json.loads(ran.stdout)
    return answers


def test_it_creates_an_order_and_shows_it(broker: Broker) -> None:
    (created,) = _call(broker, ("postJSON", "/v9/orders", {"orders": [sale(external_notes="Åsle, please")]}))
    (order,) = created["orders"]
    assert (order["state"], order["total"], order["external_notes"]) == (
        "accepted",
        "45.50",
        ["Åsle, please"],
    )
    shown, unknown = _call(
        broker, ("getJSON", f"/v9/orders/{order['id']}"), ("getJSON", "/v9/orders/1099511627775")
    )
    assert shown == order
    assert list(unknown) == ["error"]


def test_it_creates_several_orders_and_reads_why_one_failed(broker: Broker) -> None:
    wrong = sale({"ticket_group_id": "nothing", "price": 1, "quantity": 1})
    several, single = _call(
        broker,
        ("postJSON", "/v9/orders", {"orders": [sale(), wrong]}),
        ("postJSON", "/v9/orders", {"orders": [wrong]}),
    )
    first, second = several["orders"]
    assert (first["state"], second["state"]) == ("accepted", "rejected")
    # It reads what failed in one place, however many orders the call had.
    assert list(second["errors"]) == ["shipped_items.0.items.0.ticket_group_id"]
    assert single["orders"] == [second]


def test_it_lists_orders_by_parameters_that_it_escapes_and_sorts_itself(broker: Broker) -> None:
    (created,) = _call(broker, ("postJSON", "/v9/orders", {"orders": [sale(reference="PO 7/ä+b")]}))
    number = created["orders"][0]["id"]
    queries = (
        "?reference=PO%207%2F%C3%A4%2Bb&per_page=1",
        f"?per_page=1&id={number}",
        "?updated_at.gte=2020-01-01T00%3A00%3A00Z&page=1&per_page=100",
        "",
    )
    for page in _call(broker, *(("getJSON", f"/v9/orders{query}") for query in queries)):
        assert page["orders"][0]["id"] == number


def test_it_is_told_of_a_wrong_secret_and_of_paths_that_are_not_there(broker: Broker) -> None:
    nothing, wrong = _call(
        broker, ("getJSON", "/v9/events"), ("postJSON", "/v9/users/authenticate", {"email": "a@example.com"})
    )
    assert list(nothing) == list(wrong) == ["error"]
    broker.secret = "x" * 40
    (refused,) = _call(broker, ("getJSON", "/v9/orders"))
    assert list(refused) == ["error"]
