"""The first step of the path: hostile requests are refused, each with words its producer can read."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.batch_requests import CreateOrder, MalformedRequest, Opened
from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey
from orders.steps.validate import body_hash, validated
from schemas.order_requests import OrderRequest
from schemas.outcomes import MAX_REJECTIONS
from schemas.requests import Request
from willcall.kinds import CREATE

ORDER, REQUEST = str(UUID(int=2)), UUID(int=3)
TENANT = Tenant(
    id=str(UUID(int=1)),
    name="demo",
    key=TicketKey.generate(),
    group_secret=b"secret",
    issues_on_payment=False,
    cancels_unpaid=False,
    fraud_rules=None,
)


def make_body(**changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": "shop-7-000123",
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [{"ticket_class_id": "standing", "quantity": 2}],
    } | changes


def opened(body: dict[str, Any]) -> Opened:
    return validated(Request(CREATE, REQUEST, "demo", True, body), TENANT, ORDER)


def nested(depth: int) -> Any:
    deep: Any = []
    for _ in range(depth):
        deep = [deep]
    return deep


def test_a_well_formed_request_has_no_rejections() -> None:
    request = opened(make_body(shipping="5.00"))

    assert isinstance(request, CreateOrder)
    assert request.rejections == ()
    assert str(request.body.shipping) == "5.00"
    assert (request.tenant, request.new_order_id, request.id) == (TENANT, ORDER, str(REQUEST))
    assert request.key == "shop-7-000123"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"shipping": 5.0}, "shipping"),
        ({"shipping": 5}, "shipping"),
        ({"shipping": True}, "shipping"),
        ({"shipping": "1e3"}, "shipping"),
        ({"shipping": "NaN"}, "shipping"),
        ({"shipping": "-1"}, "shipping"),
        ({"shipping": 10**400}, "shipping"),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 0}]}, "line_items.0.quantity"),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 10**9}]}, "line_items.0.quantity"),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 10**30}]}, "line_items.0.quantity"),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": True}]}, "line_items.0.quantity"),
        ({"line_items": []}, "line_items"),
        ({"line_items": None}, "line_items"),
        ({"reference": "x" * 1_000_000}, "reference"),
        ({"reference": "\x00"}, "reference"),
        ({"reference": "\ud800"}, "reference"),
        ({"currency": "\ud800"}, "currency"),
        ({"currency": "X" * 1_000_000}, "currency"),
        ({"idempotency_key": "x" * 201}, "idempotency_key"),
        ({"idempotency_key": 5}, "idempotency_key"),
        ({"coupon": 1}, "coupon"),
        ({"buyer": "Ada"}, "buyer"),
        ({"buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada"}}, "buyer.email"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_malformed_request_is_invalid_by_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    request = opened(make_body(**changes))

    assert isinstance(request, MalformedRequest)
    assert [(one.code, one.field) for one in request.rejections] == [("invalid", field)]
    assert len(request.rejections[0].message) < 300


@pytest.mark.parametrize("name", ["😀", "שלום עולם", "أحمد", "山田 太郎", "Zoe\u0308", "\u202eAda"])
def test_a_name_in_any_script_is_kept_as_it_was_sent(name: str) -> None:
    request = opened(make_body(buyer={"first_name": name, "last_name": name, "email": "ada@example.com"}))

    assert isinstance(request, CreateOrder)
    assert (request.body.buyer.first_name, request.body.buyer.last_name) == (name, name)


@pytest.mark.parametrize("depth", [10, 250, 500, 1_000, 5_000, 100_000])
def test_nesting_is_refused_as_invalid_however_deep(depth: int) -> None:
    request = opened(make_body(billing_address=nested(depth)))

    assert [(one.code, one.field) for one in request.rejections] == [("invalid", "billing_address")]
    assert len(request.body_hash) == 32


def test_a_line_has_no_more_attendees_than_tickets() -> None:
    guests = [{"first_name": "Ada"}, {"first_name": "Eve"}, {"first_name": "Bob"}]
    fits = {"ticket_class_id": "standing", "quantity": 3, "attendees": guests}

    assert not opened(make_body(line_items=[fits])).rejections
    request = opened(make_body(line_items=[fits, fits | {"quantity": 2}]))
    assert [one.as_dict() for one in request.rejections] == [
        {"code": "invalid", "field": "line_items.1.attendees", "message": "3 attendees for 2 tickets"}
    ]


@pytest.mark.parametrize("key", [None, 5, "", "x" * 201, "\x00", "\ud800", [], {}])
def test_without_a_usable_key_the_requests_own_id_stands_for_it(key: Any) -> None:
    assert opened(make_body(idempotency_key=key)).key == str(REQUEST)


def test_without_a_key_the_requests_own_id_stands_for_it() -> None:
    body = make_body()
    del body["idempotency_key"]

    assert opened(body).key == str(REQUEST)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from([*OrderRequest.model_fields, "surprise"])


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(names, json_values, max_size=6))
def test_any_json_at_all_is_opened_and_never_an_error(changes: dict[str, Any]) -> None:
    request = opened(make_body(**changes))

    assert isinstance(request, MalformedRequest) is bool(request.rejections)
    assert len(request.rejections) <= MAX_REJECTIONS
    assert {one.code for one in request.rejections} <= {"invalid"}
    for rejection in request.rejections:
        stored = json.dumps(rejection.as_dict(), ensure_ascii=False).encode()  # or UnicodeEncodeError
        assert b"\\u0000" not in stored
        assert len(stored) < 1_000


class TestBodyHash:
    def test_the_order_of_the_fields_does_not_matter(self) -> None:
        body = make_body(shipping="5.00")
        backwards = dict(reversed(body.items())) | {"buyer": dict(reversed(body["buyer"].items()))}

        assert list(backwards) != list(body)
        assert body_hash(backwards) == body_hash(body)

    @pytest.mark.parametrize(
        "changes",
        [
            {"shipping": "5.01"},
            {"shipping": "5.000"},
            {"shipping": 5},
            {"reference": None},
            {"reference": ""},
            {"line_items": []},
            {"line_items": [{"ticket_class_id": "standing", "quantity": 3}]},
            {"idempotency_key": "another"},
        ],
    )
    def test_every_other_difference_does(self, changes: dict[str, Any]) -> None:
        assert body_hash(make_body(shipping="5.00") | changes) != body_hash(make_body(shipping="5.00"))

    def test_the_order_of_a_list_does(self) -> None:
        assert body_hash({"a": [1, 2]}) != body_hash({"a": [2, 1]})

    @pytest.mark.parametrize(
        ("one", "other"),
        [("\ud800", "\udfff"), (10**30, 10**30 + 1), ("\ud800", "?")],
    )
    def test_bodies_that_cannot_be_stored_have_hashes_of_their_own(self, one: Any, other: Any) -> None:
        assert body_hash({"a": one}) == body_hash({"a": one})
        assert body_hash({"a": one}) != body_hash({"a": other})

    def test_a_body_has_the_same_hash_for_ever(self) -> None:
        # SHA-256 of {"a":"é","b":[1,"2.00",null]}
        assert body_hash({"b": [1, "2.00", None], "a": "é"}).hex() == (
            "e9ebbd80c88deb05d7d89d7a930d2611028ac15b5eb3f80e257c6b797c72683a"
        )
