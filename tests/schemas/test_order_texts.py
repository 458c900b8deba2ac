"""The texts and e-mail addresses of an order request."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.order_requests import OrderRequest
from tests.schemas.order_bodies import (
    UNSTORABLE,
    accept,
    make_body,
    refused,
    with_buyer,
    with_line,
)


class TestText:
    @pytest.mark.parametrize(
        "name",
        [
            "Ada",
            "",
            "😀 🎭",
            "👩‍👩‍👧‍👦",
            "أحمد",
            "דוגמה",
            "\u202eAda\u202c",
            "山田 太郎",
            "Zoë",
            "Zoe\u0308",
            "O’Neil; DROP TABLE orders;--",
            "<script>alert(1)</script>",
            "{{7*7}} %s \\u0000",
            " two  spaces ",
            "tab\tand\nnew line",
            "\U0010ffff",
        ],
    )
    def test_a_name_is_kept_as_it_was_sent(self, name: str) -> None:
        assert accept(with_buyer(first_name=name)).buyer.first_name == name

    @settings(deadline=None, max_examples=200)
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200))
    def test_any_text_that_can_be_stored_is_kept_as_it_was_sent(self, name: str) -> None:
        order = OrderRequest.model_validate_json(json.dumps(with_buyer(last_name=name)))

        assert order.buyer.last_name == name

    @pytest.mark.parametrize("text", UNSTORABLE)
    @pytest.mark.parametrize(
        ("words", "field"),
        [
            (lambda text: make_body(reference=text), "reference"),
            (lambda text: make_body(idempotency_key=text), "idempotency_key"),
            (lambda text: make_body(event_id=text), "event_id"),
            (lambda text: make_body(promo_code=text), "promo_code"),
            (lambda text: with_buyer(first_name=text), "buyer.first_name"),
            (lambda text: with_buyer(email=f"{text}@example.com"), "buyer.email"),
            (lambda text: with_line(ticket_class_id=text), "line_items.0.ticket_class_id"),
            (lambda text: make_body(billing_address={"city": text}), "billing_address.city"),
            (lambda text: with_line(attendees=[{"last_name": text}]), "line_items.0.attendees.0.last_name"),
        ],
    )
    def test_what_cannot_be_stored_is_refused(self, words: Any, field: str, text: str) -> None:
        assert refused(words(text)) == {field: "text must not contain the NUL character or a lone surrogate"}

    @pytest.mark.parametrize("text", UNSTORABLE)
    def test_what_cannot_be_stored_is_refused_as_a_currency_or_a_payment_type_too(self, text: str) -> None:
        assert list(refused(make_body(currency=text))) == ["currency"]
        assert list(refused(make_body(payments=[{"type": text}]))) == ["payments.0.type"]

    @pytest.mark.parametrize(
        ("field", "longest"),
        [("event_id", 64), ("promo_code", 64), ("idempotency_key", 200), ("reference", 200)],
    )
    @pytest.mark.parametrize("letter", ["x", "あ", "😀"])
    def test_text_is_bounded_in_characters(self, field: str, longest: int, letter: str) -> None:
        accept(make_body(**{field: letter * longest}))

        for length in (longest + 1, 1_000_000):
            assert refused(make_body(**{field: letter * length})) == {
                field: f"String should have at most {longest} characters"
            }

    def test_a_name_of_a_megabyte_is_refused(self) -> None:
        assert list(refused(with_buyer(first_name="x" * 1_000_000))) == ["buyer.first_name"]

    @pytest.mark.parametrize("field", ["event_id", "promo_code", "idempotency_key"])
    def test_an_identifier_is_not_empty(self, field: str) -> None:
        assert refused(make_body(**{field: ""})) == {field: "String should have at least 1 character"}

    @pytest.mark.parametrize("field", ["event_id", "promo_code", "idempotency_key", "reference"])
    @pytest.mark.parametrize("value", [5, 5.0, True, [], {}, b"x"])
    def test_text_is_a_string_and_no_number_is_made_one(self, field: str, value: Any) -> None:
        assert refused(make_body(**{field: value})) == {field: "Input should be a valid string"}

    def test_nesting_is_refused_however_deep(self) -> None:
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]

        assert list(refused(make_body(billing_address=deep))) == ["billing_address"]
        assert list(refused(make_body(reference=deep))) == ["reference"]
        assert list(refused(make_body(shipping=deep))) == ["shipping"]


class TestEmailAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "ada@example.com",
            "Ada.Example+tickets@mail.example.org",
            "a@b.co",
            "ada_-1@xn--exmple-cua.org",
            "ada@exämple.org",
            "jörg@example.com",
            "用户@例子.广告",
            "o'neil@example.com",
            "x" * 64 + "@example.com",
        ],
    )
    def test_an_address_is_kept_as_it_was_sent(self, address: str) -> None:
        assert accept(with_buyer(email=address)).buyer.email == address
        assert accept(with_line(attendees=[{"email": address}])).line_items[0].attendees[0].email == address

    @pytest.mark.parametrize(
        "address",
        [
            "", "ada", "ada@", "@example.com", "ada@@example.com", "ada@example", "ada@localhost",
            "ada@example..com", "ada..b@example.com", ".ada@example.com", "ada.@example.com",
            "ada@-example.com", "ada@example-.com", "ada@example.com.", "ada @example.com",
            "ada@exam ple.com", " ada@example.com", "ada@example.com\n", "ada@example.com, eve@example.com",
            "Ada <ada@example.com>", "ada@[127.0.0.1]", '"a b"@example.com', "ada@exa_mple.com",
            "ada\r\nBcc: eve@example.com", "x" * 65 + "@example.com", "a@" + "b" * 64 + ".com",
            "a@" + "b." * 200 + "com",
            pytest.param("x" * 1_000_000 + "@example.com", id="a megabyte"),
            pytest.param("@" * 1_000_000, id="a megabyte of @"),
        ],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, address: str) -> None:
        assert list(refused(with_buyer(email=address))) == ["buyer.email"]

    def test_a_buyer_may_say_that_there_is_no_address(self) -> None:
        assert accept(with_buyer(email=None)).buyer.email is None

    @pytest.mark.parametrize("value", [5, True, [], {}])
    def test_an_address_is_a_string(self, value: Any) -> None:
        assert refused(with_buyer(email=value)) == {"buyer.email": "Input should be a valid string"}
