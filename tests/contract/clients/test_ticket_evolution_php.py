"""Ticket Evolution's own client for PHP, unmodified, against a real intake."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale
from tests.processes import PATIENCE_SECONDS, ROOT

_SOURCES = ROOT / ".clients" / "php"
_PHP = shutil.which("php")
_LIBRARIES = [Path("/usr/share/php") / name for name in ("GuzzleHttp", "Symfony/Component/Config")]

pytestmark = [
    pytest.mark.usefixtures("worker"),
    pytest.mark.skipif(_PHP is None, reason="needs PHP, which is not installed"),
    pytest.mark.skipif(
        not all(folder.is_dir() for folder in _LIBRARIES),
        reason="needs Debian's packages php-guzzlehttp-guzzle and php-symfony-config",
    ),
    pytest.mark.skipif(
        not (_SOURCES / ".synced").is_file(),
        reason="needs ticketevolution-php: `make clients` gets it",
    ),
]


def _call(broker: Broker, *calls: Any) -> list[Any]:
    """Return what the client gives for calls, each the name of its method and the parameters."""
    sent = {"base": broker.intake.url, "token": broker.token, "secret": broker.secret, "calls": calls}
    ran = subprocess.run(
        [str(_PHP), str(Path(__file__).parent / "php" / "ticket_evolution.php"), str(_SOURCES)],
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
    (created,) = _call(broker, ("createOrders", {"orders": [sale(external_notes="Åsle, please")]}))
    (order,) = created["orders"]
    assert (order["state"], order["total"]) == ("accepted", "45.50")
    assert order["external_notes"] == ["Åsle, please"]
    shown, listed = _call(
        broker,
        ("showOrder", {"order_id": order["id"]}),
        ("listOrders", {"page": 1, "per_page": 5, "state": "accepted", "type": "Order", "id": order["id"]}),
    )
    assert shown == order
    assert [one["id"] for one in listed["orders"]] == [order["id"]]
    assert listed["per_page"] == 5


def test_it_is_told_why_orders_failed(broker: Broker) -> None:
    wrong = sale({"ticket_group_id": "nothing", "price": 1, "quantity": 1})
    several, single, unknown = _call(
        broker,
        ("createOrders", {"orders": [sale(), wrong]}),
        ("createOrders", {"orders": [wrong]}),
        ("showOrder", {"order_id": 1099511627775}),
    )
    assert [one["state"] for one in several["orders"]] == ["accepted", "rejected"]
    assert (single["status"], single["body"]["orders"]) == (422, several["orders"][1:])
    assert list(several["orders"][1]["errors"]) == ["shipped_items.0.items.0.ticket_group_id"]
    assert (unknown["status"], list(unknown["body"])) == (404, ["error"])


@pytest.mark.parametrize(
    "query", [{"reference": "PO 7/ä+b"}, {"created_at.gte": "2020-01-01T00:00:00+02:00"}]
)
def test_it_signs_queries_that_it_escapes_itself(broker: Broker, query: dict[str, str]) -> None:
    (created,) = _call(broker, ("createOrders", {"orders": [sale(reference="PO 7/ä+b")]}))
    number = created["orders"][0]["id"]
    (page,) = _call(broker, ("listOrders", query))
    assert page["orders"][0]["id"] == number


def test_it_is_told_of_a_wrong_secret_and_of_calls_that_are_not_there(broker: Broker) -> None:
    events, accepted = _call(broker, ("listEvents", {}), ("acceptOrder", {"order_id": 1, "reviewer_id": 1}))
    assert [(one["status"], list(one["body"])) for one in (events, accepted)] == [(404, ["error"])] * 2
    broker.secret = "x" * 40
    (refused,) = _call(broker, ("listOrders", {}))
    assert (refused["status"], list(refused["body"])) == (401, ["error"])
