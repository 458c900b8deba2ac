"""Orders that were made in other words, as a client of Zoho Backstage sees them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.zoho_backstage.client import costs, create, path, placed, sample, show, sums, tickets
from tests.intakes import Intake

pytestmark = pytest.mark.usefixtures("worker")

_ZOHO = ("zoho-1", "zoho-2")


def _event(id_: str, *classes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": id_.title(),
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "on_sale_until": "2099-12-31T00:00:00+00:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": list(classes),
    } | changes


def _class(id_: str, price: str, **changes: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_.title(), "price": price, "capacity": 100_000} | changes


_EVENTS = [
    _event("plain", _class("pit", "10.00"), _class("gift", "0.00"), _class("theirs", "50.00", office="them")),
    _event(
        "taxed",
        _class("seat", "33.33"),
        _class("box", "99.99"),
        tax={"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "sum_by_net"},
        promo_codes=[{"code": "SPRING", "percent": "10"}],
    ),
    _event(
        "inclusive",
        _class("gross", "9.99"),
        tax={"name": "MwSt", "rate": "0.07", "is_included": True, "rounding": "sum_by_net"},
        details={"cancellation": {"type": "any", "duration_minutes": 60, "refund_percent": 80}},
    ),
]


@pytest.fixture
def client(intake: Intake) -> Iterator[httpx.Client]:
    """Return a client of our own calls, of a tenant with all kinds of prices and taxes."""
    words = {"tenant": "zoho-house", "aliases": {"zoho_backstage": list(_ZOHO)}, "events": _EVENTS}
    load_catalogue(intake.engine, Catalogue.model_validate(words), now=datetime.now(UTC))
    with intake.client(tenant="zoho-house") as client:
        client.headers["prefer"] = "wait=30"
        yield client


def _key(client: httpx.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


def _order(client: httpx.Client, *lines: tuple[str, int], **fields: Any) -> dict[str, Any]:
    body = {
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [{"ticket_class_id": id_, "quantity": quantity} for id_, quantity in lines],
        **fields,
    }
    answer = client.post("/v1/orders", json=body)
    assert answer.status_code == 201, answer.text
    words: dict[str, Any] = answer.json()
    return words


def _do(client: httpx.Client, call: str, **body: Any) -> None:
    answer = client.post(call, json=body)
    assert answer.status_code in (200, 201), answer.text


def _shown(client: httpx.Client, order: dict[str, Any], event: str = "plain") -> dict[str, Any]:
    """Return the order in Zoho's words, whose tickets cost together what the order costs."""
    shown = show(client, _key(client), order["number"], path(_ZOHO[1], event))
    if shown["tickets"]:
        assert sums(shown) == costs(shown)
    return shown


def test_all_that_an_order_adds_and_takes_off_is_shared_by_its_tickets(client: httpx.Client) -> None:
    amounts = {"shipping": "5.00", "service_fee": "2.51", "additional_expense": "0.02", "discount": "3.07"}
    order = _order(client, ("seat", 7), ("box", 3), promo_code="SPRING", **amounts)
    shown = _shown(client, order, "taxed")
    assert shown["cost"]["total"] == Decimal(order["totals"]["total"])
    assert shown["cost"]["service_fee"] == Decimal("7.53")
    assert shown["cost"]["discount"] == shown["cost"]["discount_applied"]
    assert (shown["cost"]["promo_code"], shown["cost"]["tax_name"]) == ("SPRING", "VAT")
    assert shown["cost"]["tax_percent"] == 19
    assert shown["tickets"][0]["promo_code"] == "SPRING"
    assert set(shown["billing_address"].values()) == {""}


def test_an_order_of_several_events_is_shown_below_each_with_the_tax_of_its_lines(
    client: httpx.Client,
) -> None:
    order = _order(client, ("pit", 2), ("seat", 3), ("gross", 3))
    shown = _shown(client, order)
    assert [ticket["tax"] > 0 for ticket in shown["tickets"]] == [False] * 2 + [True] * 3 + [False] * 3
    assert (shown["cost"]["tax_name"], shown["cost"]["tax_percent"], shown["refund_policy"]) == (None, 0, 1)
    assert shown == _shown(client, order, "taxed") == _shown(client, order, "inclusive")


@pytest.mark.parametrize("email", ["customer@acme.invalid", "client-7@ticket-evolution.invalid"])
def test_an_address_that_another_dialect_gave_a_buyer_without_one_is_none(
    client: httpx.Client, email: str
) -> None:
    buyer = {"first_name": "Ada", "last_name": "Example", "email": email}
    shown = _shown(client, _order(client, ("pit", 1), buyer=buyer))
    assert (shown["order_by"], shown["contact"]["purchaser_email"]) == ("", "")


def test_a_tax_that_the_producer_gave_has_no_name(client: httpx.Client) -> None:
    shown = _shown(client, _order(client, ("seat", 3), tax="1.00"), "taxed")
    assert (shown["cost"]["tax"], shown["cost"]["tax_name"], shown["cost"]["tax_percent"]) == (1, None, 0)
    assert [ticket["tax"] for ticket in shown["tickets"]] == [
        Decimal("0.34"),
        Decimal("0.33"),
        Decimal("0.33"),
    ]


def test_included_tax_is_named_and_not_added(client: httpx.Client) -> None:
    shown = _shown(client, _order(client, ("gross", 7)), "inclusive")
    assert (shown["cost"]["tax"], shown["cost"]["tax_name"], shown["cost"]["tax_percent"]) == (0, "MwSt", 7)


def test_no_ticket_costs_less_than_nothing(client: httpx.Client) -> None:
    everything = "85.00"
    order = _order(client, ("pit", 3), ("gift", 2), shipping="55.00", discount=everything)
    shown = _shown(client, order)
    assert [ticket["total"] for ticket in shown["tickets"]] == [0] * 5


def test_an_unpaid_a_partly_paid_and_a_free_order(client: httpx.Client) -> None:
    unpaid = _order(client, ("pit", 2))
    partly = _order(client, ("pit", 2), payments=[{"type": "cash", "amount": "5.00"}])
    gift = _order(client, ("gift", 2))
    names = ("payment_status", "payment_status_string", "payment_type", "payment_option_name")
    assert [tuple(_shown(client, order)[name] for name in names) for order in (unpaid, partly, gift)] == [
        (0, "unpaid", 0, "Offline"),
        (2, "partially_paid", 1, "Cash"),
        (1, "paid", 8, "Complimentary"),
    ]


def test_voided_and_used_tickets(client: httpx.Client) -> None:
    order = _order(client, ("pit", 3), payments=[{"type": "check"}], service_fee="1.00")
    _do(client, "/v1/check-ins", ticket_id=order["tickets"][0]["id"])
    _do(client, f"/v1/orders/{order['id']}/cancel", ticket_ids=[order["tickets"][1]["id"]])
    used, voided, valid = _shown(client, order)["tickets"]
    names = ("status", "status_string", "issue_ticket", "base_price", "total")
    assert [tuple(ticket[name] for name in names) for ticket in (used, voided, valid)] == [
        (3, "checked_in", True, 10, Decimal("10.5")),
        (1, "cancelled", False, 10, 0),
        (0, "placed", True, 10, Decimal("10.5")),
    ]


def test_a_cancelled_and_a_refunded_order(client: httpx.Client) -> None:
    order = _order(client, ("pit", 2), payments=[{"type": "paypal"}])
    _do(client, f"/v1/orders/{order['id']}/cancel", reason="rain")
    cancelled = _shown(client, order)
    _do(client, f"/v1/orders/{order['id']}/payments", type="paypal", is_refund=True)
    refunded = _shown(client, order)
    names = ("status", "status_string", "payment_status", "payment_status_string", "payment_type_string")
    assert [tuple(one[name] for name in names) for one in (cancelled, refunded)] == [
        (1, "cancelled", 1, "paid", "paypal"),
        (2, "refunded", 3, "refunded", "paypal"),
    ]
    assert [one["tickets"][0]["status"] for one in (cancelled, refunded)] == [1, 2]


def test_a_purchase_without_tickets(client: httpx.Client) -> None:
    sale = _order(client, ("theirs", 2), seller_id="us")
    purchase = client.get(f"/v1/orders/{sale['trade']['counterpart_id']}").json()
    shown = _shown(client, purchase)
    assert (shown["tickets"], shown["cost"]["total"]) == ([], 100)
    assert shown["created_by"] == _shown(client, sale)["created_by"]


@pytest.mark.parametrize("kept", [None, 7, ["x", {}, None, 2, 9, 1, 1, 1, 1], {"a": 1}, [True]])
def test_extras_that_say_anything_do_no_harm(client: httpx.Client, kept: Any) -> None:
    order = _order(client, ("pit", 2), ("gift", 1), extras={"zoho_backstage": {"ticket_lines": kept}})
    assert len(_shown(client, order)["tickets"]) == 3


def test_an_order_made_here_can_be_changed_in_our_words(client: httpx.Client) -> None:
    payload = sample(tickets=tickets("pit", "gift", "pit"))
    order = placed(create(client, _key(client), payload, path(_ZOHO[0], "plain")))
    ours = client.get("/v1/orders", params={"limit": 1}).json()["items"][0]
    lines = [{"ticket_class_id": "pit", "quantity": 3}, {"ticket_class_id": "gift", "quantity": 1}]
    patch = {"line_items": lines, "buyer": {"phone": None}}
    answer = client.patch(f"/v1/orders/{ours['id']}", json=patch)
    assert answer.status_code == 200, answer.text
    shown = _shown(client, ours)
    assert order["id"] == shown["id"] == str(ours["number"])
    assert [ticket["ticket_class_id"] for ticket in shown["tickets"]] == ["pit", "gift", "pit", "pit"]
    assert shown["contact"]["purchaser_mobile_no"] == ""
