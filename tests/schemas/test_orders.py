"""An order request: which values are accepted, and how a refusal names the field."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.order_requests import OrderRequest
from tests.schemas.order_bodies import (
    MEGABYTE,
    MONEY,
    accept,
    make_body,
    make_line,
    refused,
    with_buyer,
    with_line,
)


def test_the_smallest_request_has_a_buyer_and_a_line() -> None:
    order = accept(make_body())

    assert order.line_items[0].quantity == 1
    assert order.line_items[0].unit_price is None
    assert [str(order.shipping), str(order.discount), order.tax] == ["0", "0", None]


def test_a_request_with_everything_is_read_as_it_is_written() -> None:
    words = {
        "idempotency_key": "shop-7-000123",
        "event_id": "2000000116588",
        "currency": "USD",
        "buyer": {
            "first_name": "Sam",
            "last_name": "Peter",
            "email": "sam@example.com",
            "company": "Example & Co.",
            "phone": "+1 555 0100",
        },
        "billing_address": {
            "name": "Sam Peter",
            "line_1": "1 Example Street",
            "line_2": None,
            "city": "Sampleton",
            "state": "CA",
            "country": "US",
            "postal_code": "00000",
        },
        "line_items": [
            {
                "ticket_class_id": "3000000012232",
                "quantity": 2,
                "unit_price": "45.50",
                "attendees": [{"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"}],
            }
        ],
        "shipping": "5.00",
        "service_fee": "2.50",
        "additional_expense": "0.00",
        "tax": "7.28",
        "discount": "3.00",
        "promo_code": None,
        "payments": [{"type": "cash", "amount": "102.78"}],
        "reference": "PO-1",
    }

    assert json.loads(accept(words).model_dump_json(exclude_unset=True)) == words


def test_a_request_cannot_be_changed() -> None:
    order = accept(make_body())

    with pytest.raises(ValidationError, match="frozen"):
        order.reference = "another"  # type: ignore[misc] # this is what is refused
    with pytest.raises(ValidationError, match="frozen"):
        order.line_items[0].quantity = 2  # type: ignore[misc] # this, too


@pytest.mark.parametrize("field", ["buyer", "line_items"])
def test_what_must_be_there_is_missed_by_name(field: str) -> None:
    words = make_body()
    del words[field]

    assert refused(words) == {field: "Field required"}


@pytest.mark.parametrize("field", ["first_name", "last_name", "email"])
def test_a_buyer_has_a_name_and_an_address(field: str) -> None:
    words = make_body()
    del words["buyer"][field]

    assert refused(words) == {f"buyer.{field}": "Field required"}


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (make_body(coupon="X"), "coupon"),
        (make_body(Tax="1.00"), "Tax"),
        (make_body(total="1.00"), "total"),
        (with_buyer(age=5), "buyer.age"),
        (with_line(price="1.00"), "line_items.0.price"),
        (with_line(attendees=[{"name": "Ada"}]), "line_items.0.attendees.0.name"),
        (make_body(billing_address={"zip": "1"}), "billing_address.zip"),
        (make_body(payments=[{"type": "cash", "currency": "USD"}]), "payments.0.currency"),
    ],
)
def test_an_unknown_field_is_refused_by_name(words: dict[str, Any], field: str) -> None:
    assert refused(words) == {field: f"unknown field {field.rpartition('.')[2]}"}


class TestMoney:
    @pytest.mark.parametrize("field", MONEY)
    @pytest.mark.parametrize("value", [5.0, 0.1, 5, 0, True, "NaN", "-1", "1e3", "", [], {}, MEGABYTE])
    def test_every_amount_is_a_decimal_string(self, field: str, value: Any) -> None:
        assert list(refused(make_body(**{field: value}))) == [field]

    @pytest.mark.parametrize("value", [45.5, 45, True, "-0.01", "NaN", "1e3"])
    def test_a_price_is_a_decimal_string(self, value: Any) -> None:
        assert list(refused(with_line(unit_price=value))) == ["line_items.0.unit_price"]

    @pytest.mark.parametrize("value", [45.5, 45, False, "-0.01", "Infinity"])
    def test_a_payment_is_of_a_decimal_string(self, value: Any) -> None:
        words = make_body(payments=[{"type": "cash"}, {"type": "cash", "amount": value}])

        assert list(refused(words)) == ["payments.1.amount"]

    @pytest.mark.parametrize("field", ["shipping", "service_fee", "additional_expense", "discount"])
    def test_an_amount_that_is_null_is_refused_where_zero_is_meant(self, field: str) -> None:
        assert refused(make_body(**{field: None}))[field].endswith("not a JSON null")

    def test_a_float_in_the_json_itself_is_refused_with_a_sentence_that_says_so(self) -> None:
        text = json.dumps(make_body(shipping="SHIPPING")).replace('"SHIPPING"', "5.00")

        with pytest.raises(ValidationError, match="not a JSON float"):
            OrderRequest.model_validate_json(text)
        with pytest.raises(ValidationError, match="not a JSON float"):
            OrderRequest.model_validate(json.loads(text))


class TestCounts:
    @pytest.mark.parametrize("quantity", [1, 2, 1_000])
    def test_a_line_is_of_1_to_1000_tickets(self, quantity: int) -> None:
        assert accept(with_line(quantity=quantity)).line_items[0].quantity == quantity

    @pytest.mark.parametrize("quantity", [0, -1, 1_001, 10**9, 10**30, -(10**30)])
    def test_a_line_is_of_no_other_number_of_tickets(self, quantity: int) -> None:
        assert list(refused(with_line(quantity=quantity))) == ["line_items.0.quantity"]

    @pytest.mark.parametrize("quantity", [1.0, 1.5, "1", True, None, [], float("nan"), float("inf")])
    def test_a_quantity_is_a_whole_number_and_nothing_that_looks_like_one(self, quantity: Any) -> None:
        assert list(refused(with_line(quantity=quantity))) == ["line_items.0.quantity"]

    def test_an_order_has_1_to_100_lines(self) -> None:
        assert len(accept(make_body(line_items=[make_line()])).line_items) == 1
        assert len(accept(make_body(line_items=[make_line()] * 100)).line_items) == 100

    @pytest.mark.parametrize("count", [0, 101, 100_000])
    def test_an_order_has_no_other_number_of_lines(self, count: int) -> None:
        assert list(refused(make_body(line_items=[make_line()] * count))) == ["line_items"]

    @pytest.mark.parametrize("lines", [None, {}, "standing", 1, make_line()])
    def test_lines_are_a_list(self, lines: Any) -> None:
        assert list(refused(make_body(line_items=lines))) == ["line_items"]

    def test_a_line_has_at_most_1000_attendees(self) -> None:
        assert list(refused(with_line(quantity=1_000, attendees=[{}] * 1_001))) == ["line_items.0.attendees"]

    def test_an_order_has_at_most_100_payments(self) -> None:
        assert len(accept(make_body(payments=[{"type": "cash"}] * 100)).payments) == 100
        assert list(refused(make_body(payments=[{"type": "cash"}] * 101))) == ["payments"]


@pytest.mark.parametrize(
    "kind",
    ["cash", "check", "credit_card", "evopay", "money_order", "offline", "paypal", "tbd", "transaction_api"],
)
def test_a_payment_is_of_a_known_type(kind: str) -> None:
    assert accept(make_body(payments=[{"type": kind}])).payments[0].type == kind


@pytest.mark.parametrize("kind", ["Cash", "bitcoin", "", None, 5, MEGABYTE])
def test_a_payment_of_another_type_is_refused(kind: Any) -> None:
    assert list(refused(make_body(payments=[{"type": kind}]))) == ["payments.0.type"]


def test_every_field_that_is_wrong_is_named() -> None:
    words = make_body(
        shipping=5.0,
        currency="XYZ",
        surprise=1,
        line_items=[make_line(quantity=0), make_line(unit_price="-1")],
    )

    assert set(refused(words)) == {
        "shipping",
        "currency",
        "surprise",
        "line_items.0.quantity",
        "line_items.1.unit_price",
    }


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        99999999999,
        "2027-04-11T19:00:00",
        "soon",
        True,
    ],
)
def test_a_moment_is_text_with_a_time_zone_that_the_database_can_keep(moment: object) -> None:
    with pytest.raises(ValidationError):
        OrderRequest.model_validate(make_body(payment_due_at=moment))


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "kept", ["\x00", "\\\x00", "\ud800", 2**64, ["a", {"\x00": 1}], "x" * 65_536, nested(99)]
)
def test_extras_that_the_database_cannot_keep_are_refused(kept: Any) -> None:
    assert list(refused(make_body(extras={"acme": {"kept": kept}}))) == ["extras"]


@pytest.mark.parametrize("kept", ["\\u0000", "\\\\u0000", "x" * 65_000, {}, None, 1.5, nested(98)])
def test_extras_are_kept_as_they_came(kept: Any) -> None:
    assert accept(make_body(extras={"acme": {"kept": kept}})).extras == {"acme": {"kept": kept}}
