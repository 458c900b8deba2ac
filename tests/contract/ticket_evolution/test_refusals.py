"""What Ticket Evolution's clients are told when something is wrong, in the vendor's own shape."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from intake.dialects.ticket_evolution.routes import VENDORS_JSON
from tests.contract.ticket_evolution.client import ALL, Broker, sale, signature
from tests.contract.zoho_backstage.client import create, placed, sample
from vendors.ticket_evolution.response_models import Error, Errors, Orders, RejectedOrders

_ITEM = {"ticket_group_id": 16637811, "price": 45.5, "quantity": 1}


def _errors(broker: Broker, order: Any) -> dict[str, Any]:
    """Return why the only order of a call was not made, by its fields."""
    answer = broker.post({"orders": [order]})
    assert answer.status_code == 422, answer.text
    RejectedOrders.model_validate_json(answer.content, strict=False)
    (rejected,) = answer.json()["orders"]
    found: dict[str, Any] = rejected["errors"]
    return found


def _errors_of_call(broker: Broker, *orders: Any, **call: Any) -> dict[str, Any]:
    answer = broker.post({"orders": list(orders), **call})
    assert answer.status_code == 422, answer.text
    Errors.model_validate_json(answer.content, strict=False)
    found: dict[str, Any] = answer.json()["errors"]
    return found


@pytest.mark.usefixtures("worker")
def test_one_rejected_order_does_not_undo_its_neighbours(broker: Broker) -> None:
    answer = broker.post(
        {"orders": [sale(), sale(_ITEM, _ITEM | {"ticket_group_id": "nothing"}), sale(client_id=18)]}
    )
    assert answer.status_code == 201, answer.text
    Orders.model_validate_json(answer.content, strict=False)
    first, second, third = answer.json()["orders"]
    assert (first["client_id"], third["client_id"]) == (17, 18)
    field = "shipped_items.0.items.1.ticket_group_id"
    assert second == {"state": "rejected", "errors": {field: ["there is no ticket class nothing"]}}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("scopes", [ALL, ["orders.create", "orders.set_price"]])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_call_none_of_whose_orders_was_made_says_why_of_each(
    broker: Broker, count: int, scopes: list[str]
) -> None:
    # As the vendor answers when it makes nothing, recorded with its client in Ruby: 422, a list of `errors`.
    wrong = [sale(_ITEM | {"price": f"45.{place}05"}) for place in range(count)]
    answer = broker.with_scopes(*scopes).post({"orders": wrong})
    assert answer.status_code == 422
    RejectedOrders.model_validate_json(answer.content, strict=False)
    field = "shipped_items.0.items.0.price"
    said = {"state": "rejected", "errors": {field: ["Maximum 2 decimal places"]}}
    assert answer.json() == {"orders": [said] * count}


@pytest.mark.usefixtures("worker")
def test_fields_that_the_document_requires_are_named(broker: Broker) -> None:
    assert _errors(broker, {"shipped_items": [{"items": [{}]}]}) == {
        "seller_id": ["can't be blank"],
        "client_id": ["can't be blank"],
        "shipped_items.0.items.0.ticket_group_id": ["can't be blank"],
        "shipped_items.0.items.0.price": ["can't be blank"],
        "shipped_items.0.items.0.quantity": ["can't be blank"],
    }
    assert _errors(broker, {"is_purchase": True, "shipped_items": [{"items": [{"price": 1}]}]}) == {
        "seller_id": ["can't be blank"],
        "buyer_id": ["can't be blank"],
        "shipped_items.0.items.0.ticket_group": ["can't be blank"],
        "shipped_items.0.items.0.quantity": ["can't be blank"],
    }


@pytest.mark.usefixtures("worker")
def test_undocumented_fields_are_refused_by_name(broker: Broker) -> None:
    order = sale(_ITEM | {"colour": "red"}, sessionid="s")
    assert _errors(broker, order) == {
        "shipped_items.0.items.0.colour": ["unknown field colour"],
        "sessionid": ["unknown field sessionid"],
    }
    assert _errors_of_call(broker, sale(), colour="red") == {"colour": ["unknown field colour"]}
    assert list(_errors_of_call(broker, sale(), **{"\ud800" * 100: 1})) == ["\\ud800" * 64]
    assert list(_errors_of_call(broker, sale(tenant="other"))) == ["tenant"]
    assert list(_errors_of_call(broker, sale(check_fraud=True))) == ["orders.0.check_fraud"]


@pytest.mark.usefixtures("worker")
def test_a_field_that_only_our_own_words_have_is_refused_by_its_own_name(broker: Broker) -> None:
    ours = {"buyer": {}, "line_items": [], "billing_address": {}, "substitutes": 1, "extras": {}}
    assert _errors(broker, sale(**ours)) == {name: [f"unknown field {name}"] for name in ours}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("quantity", ["9" * 5_000, "two", "-1", "1.5", 1.5, None])
def test_a_quantity_that_is_none_is_refused(broker: Broker, quantity: Any) -> None:
    (said,) = _errors(broker, sale(_ITEM | {"quantity": quantity})).values()
    assert said in (["Input should be a valid integer"], ["can't be blank"])


@pytest.mark.usefixtures("worker")
def test_notes_that_are_none_are_refused_by_their_place(broker: Broker) -> None:
    found = _errors(broker, sale(internal_notes=5, external_notes=["aisle", 5]))
    assert list(found) == ["internal_notes", "external_notes.1"]


@pytest.mark.usefixtures("worker")
def test_what_no_order_can_keep_is_refused(broker: Broker) -> None:
    deep: Any = 1
    for _ in range(120):
        deep = [deep]
    for attributes in ({"name": "\x00"}, {"\x00": 1}, {"name": "\ud800"}, {"name": deep}):
        payments = [{"type": "cash", "address_attributes": attributes}]
        assert list(_errors(broker, sale(payments=payments))) == ["base"]


@pytest.mark.usefixtures("worker")
def test_a_credit_card_fails_without_a_gateway(broker: Broker) -> None:
    assert list(_errors(broker, sale(payments=[{"type": "credit_card"}]))) == ["payments.0.type"]


@pytest.mark.usefixtures("worker")
def test_who_may_not_set_prices_sells_at_the_catalogues(broker: Broker) -> None:
    clerk = broker.with_scopes("orders.create")
    at_price = _ITEM | {"price": "45.50"}
    assert clerk.post({"orders": [sale(at_price, tax="3.64")]}).status_code == 201
    assert list(_errors(clerk, sale(_ITEM | {"price": 45}))) == ["shipped_items.0.items.0.price"]
    assert list(_errors(clerk, sale(at_price, tax="3.64", discount="0.01"))) == ["discount"]
    # Left out, the tax is 0.00 in these words, which is less than the rule's.
    assert list(_errors(clerk, sale(at_price))) == ["tax"]


@pytest.mark.usefixtures("worker")
def test_what_is_sold_out_is_said_of_its_item(broker: Broker) -> None:
    item = {"ticket_group_id": 16637814, "price": 10, "quantity": 3}
    assert list(_errors(broker, sale(item))) == ["shipped_items.0.items.0.quantity"]


@pytest.mark.usefixtures("worker")
def test_an_order_of_several_items_sells_only_what_its_seller_owns(broker: Broker) -> None:
    box = {"ticket_group_id": 16637813, "price": 90, "quantity": 1}
    assert list(_errors(broker, sale(_ITEM, box))) == ["shipped_items"]


@pytest.mark.parametrize(
    "payload", ["[]", '{"orders": {}}', '{"orders": []}', '{"orders": [7]}', "{}", '{"orders": [{}], "x": 1}']
)
def test_what_is_no_list_of_orders_is_refused(broker: Broker, payload: str) -> None:
    answer = broker.post(payload)
    assert (answer.status_code, list(answer.json())) == (422, ["errors"])


def test_what_is_no_json_is_refused(broker: Broker) -> None:
    numbers = ("1e999999999", "1e99999999999999999999", "1e-99999999999999999999")
    too_much = [f'{{"orders": [{{"tax": {number}}}]}}' for number in numbers]
    for payload in ("{", '{"orders": [], "orders": []}', *too_much):
        answer = broker.post(payload)
        assert answer.status_code == 400
        Error.model_validate_json(answer.content)


@pytest.mark.usefixtures("worker")
def test_both_media_types_are_taken_and_given(broker: Broker) -> None:
    for media_type in (f"{VENDORS_JSON}; version=9", "application/json; charset=utf-8", "text/plain", ""):
        assert broker.post({"orders": [sale()]}, media_type=media_type).status_code == 201
    assert broker.post({"orders": [sale()]}, media_type="text/xml").status_code == 415
    answer = broker.post({"orders": [sale()]}, accept=f"{VENDORS_JSON}; version=9")
    assert answer.headers["content-type"].startswith(VENDORS_JSON)
    refused = broker.post({"orders": 7}, accept=VENDORS_JSON)
    assert (refused.status_code, refused.headers["content-type"].partition(";")[0]) == (422, VENDORS_JSON)
    assert broker.get("/v9/orders").headers["content-type"] == "application/json"


def test_an_unsigned_call_is_refused(broker: Broker) -> None:
    body = json.dumps({"orders": [sale()]})
    right = signature(broker.secret, f"POST 127.0.0.1/v9/orders?{body}")
    for headers in (
        {},
        {"x-token": broker.token},
        {"x-signature": right},
        {"x-token": "wc_" + "a" * 43, "x-signature": right},
        {"x-token": "0" * 32, "x-signature": right},
        {"x-token": "é", "x-signature": right},
        {"x-token": broker.token, "x-signature": "é"},
        {"x-token": broker.token, "x-signature": signature("other", f"POST 127.0.0.1/v9/orders?{body}")},
        {
            "x-token": broker.token,
            "x-signature": signature(broker.secret, f"POST 127.0.0.1/v9/orders?{body} "),
        },
        {"x-token": broker.token, "x-signature": signature(broker.secret, f"POST 127.0.0.1/v9/orders{body}")},
        {"x-token": broker.token, "x-signature": signature(broker.secret, f"GET 127.0.0.1/v9/orders?{body}")},
        {
            "x-token": broker.token,
            "x-signature": signature(broker.secret, f"POST example.com/v9/orders?{body}"),
        },
    ):
        raw = {name.encode(): value.encode() for name, value in headers.items()} | {
            b"content-type": b"application/json"
        }
        answer = broker.http.post("/v9/orders", content=body, headers=raw)
        assert answer.status_code == 401, headers
        Error.model_validate_json(answer.content)
    assert broker.intake.take_requests() == []


def test_a_query_is_signed_sorted_however_it_is_escaped(broker: Broker) -> None:
    def status(query: str, signed: str) -> int:
        headers = {
            "x-token": broker.token,
            "x-signature": signature(broker.secret, f"GET 127.0.0.1/v9/orders?{signed}"),
        }
        return broker.http.get(f"/v9/orders?{query}", headers=headers).status_code

    assert status("per_page=1&page=2", "page=2&per_page=1") == 200
    assert status("reference=a%20b", "reference=a%20b") == status("reference=a%20b", "reference=a+b") == 200
    assert status("updated_at.gte=2027-01-01T00:00:00Z", "updated_at.gte=2027-01-01T00%3A00%3A00Z") == 200
    assert status("page=1", "page=2") == status("page=1", "") == 401


@pytest.mark.usefixtures("worker")
def test_a_token_is_the_digits_of_the_keys_id_and_opens_nothing_by_itself(broker: Broker) -> None:
    # What the vendor's client in Ruby takes: 32 letters and digits, and 40 characters that are no space.
    assert (len(broker.token), broker.token.isalnum(), len(broker.secret)) == (32, True, 40)
    (made,) = broker.made(sale())
    assert broker.get(f"/v9/orders/{made['id']}").status_code == 200
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        replace(broker, key=broker.token).call("GET", "/v1/orders")


def test_nothing_but_the_digits_of_the_id_is_a_token(broker: Broker) -> None:
    dashed = str(UUID(broker.token))
    for token in (broker.key, dashed, dashed.upper(), f"{{{dashed}}}", broker.token[:-1], broker.token + "0"):
        assert replace(broker, token=token).post({"orders": [sale()]}).status_code == 401, token
        assert replace(broker, token=token).get("/v9/orders").status_code == 401, token


def test_a_key_without_the_scope_is_refused(broker: Broker) -> None:
    reader = broker.with_scopes("orders.read")
    assert reader.post({"orders": [sale()]}).status_code == 403
    assert broker.with_scopes("orders.create").get("/v9/orders").status_code == 403


@pytest.mark.parametrize(
    "order",
    [
        sale(seller_id=777),
        sale(seller_id="777"),
        sale(seller_id=777.0),
        sale(seller_id="\ud800"),
        sale(seller_id=777, buyer_id=777, is_purchase=True),
        sale(seller_id=101, buyer_id=777, client_id=None, substitute_order_link_id=5),
    ],
)
def test_an_office_of_somebody_else_is_not_found(broker: Broker, order: Any) -> None:
    answer = broker.post({"orders": [sale(), order]})
    assert answer.status_code == 404
    Error.model_validate_json(answer.content)
    assert broker.intake.take_requests() == []


@pytest.mark.usefixtures("worker")
def test_orders_of_somebody_else_are_not_found(broker: Broker, caller: httpx.Client, key: str) -> None:
    theirs = placed(create(caller, key, sample()))["id"]
    assert broker.get(f"/v9/orders/{theirs}").status_code == 404
    assert broker.get("/v9/orders", id=theirs).json()["orders"] == []


def test_without_a_worker_the_call_is_accepted(broker: Broker) -> None:
    for orders in ([sale()], [sale(), sale()]):
        answer = broker.post({"orders": orders}, prefer="wait=1")
        assert answer.status_code == 202
        assert answer.headers["retry-after"] == "1"
        status = broker.call("GET", answer.headers["location"]).json()
        assert status["status"] == "pending"
        assert len(broker.intake.take_requests()) == len(orders)


@pytest.mark.usefixtures("worker")
def test_a_call_that_is_repeated_counts_once(broker: Broker) -> None:
    key = broker.token  # no other test has it
    orders = [sale(), sale(client_id=18)]
    first, again = (broker.post({"orders": orders}, idempotency_key=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    single = sale(idempotency_key=key + "x")
    assert broker.made(single) == broker.made(single)
    other = broker.post({"orders": [single | {"client_id": 19}]})
    assert other.status_code == 409
    assert [list(one["errors"]) for one in other.json()["orders"]] == [["idempotency_key"]]
