"""What became of a request, and in which words a producer reads why."""

from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orders import errors
from schemas.order_requests import OrderRequest
from schemas.outcomes import (
    MAX_REJECTIONS,
    Rejection,
    RejectionCode,
    RequestError,
    RequestStatus,
    rejections_of,
)

DOCUMENTED = {
    "invalid",
    "unknown_event",
    "unknown_ticket_class",
    "unknown_order",
    "sold_out",
    "seat_unavailable",
    "price_mismatch",
    "too_many_decimals",
    "negative_total",
    "currency_mismatch",
    "unknown_promo_code",
    "idempotency_conflict",
    "version_conflict",
    "not_allowed_in_status",
    "hold_expired",
    "declined",
    # What the gate hears.
    "unknown_ticket",
    "forged_ticket",
    "wrong_event",
    "already_checked_in",
    "ticket_voided",
    "not_issued",
    "sales_closed",
    "too_many_tickets",
}


def make_words(**changes: Any) -> dict[str, Any]:
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    return {"buyer": buyer, "line_items": [{"ticket_class_id": "standing", "quantity": 1}]} | changes


def rejections(words: Any) -> tuple[Rejection, ...]:
    with pytest.raises(ValidationError) as caught:
        OrderRequest.model_validate(words)
    return rejections_of(caught.value)


def test_mistakes_beyond_number_are_told_in_one_sentence() -> None:
    (found,) = rejections({f"f{number}": number for number in range(6_000)})

    assert found.code == "invalid"
    assert "mistakes, too many to list" in found.message


def test_the_codes_are_the_documented_ones() -> None:
    assert set(get_args(RejectionCode)) == DOCUMENTED


def test_every_kind_of_rejection_has_a_code_of_its_own() -> None:
    kinds = errors.RejectedRequest.__subclasses__()

    assert len({kind.code for kind in kinds}) == len(kinds) > 5
    assert {kind.code for kind in kinds} <= DOCUMENTED


def test_a_rejection_says_the_code_the_field_and_a_sentence() -> None:
    error = errors.SoldOut("2 tickets are left", "line_items.0.quantity")

    assert error.rejection == Rejection("sold_out", "line_items.0.quantity", "2 tickets are left")
    assert str(error) == "2 tickets are left"
    assert error.rejection.as_dict() == {
        "code": "sold_out",
        "field": "line_items.0.quantity",
        "message": "2 tickets are left",
    }


def test_a_rejection_can_be_about_no_field() -> None:
    assert errors.Invalid("no").rejection.as_dict() == {"code": "invalid", "field": None, "message": "no"}


def test_a_field_is_written_with_the_place_in_its_list() -> None:
    items = [{"ticket_class_id": "standing", "quantity": 1}, {"ticket_class_id": "standing", "quantity": 0}]

    assert rejections(make_words(line_items=items)) == (
        Rejection("invalid", "line_items.1.quantity", "Input should be greater than or equal to 1"),
    )


def test_a_mistake_is_told_once() -> None:
    # The list is not also too short because of the item that is wrong.
    only_bad = [{"ticket_class_id": "standing", "quantity": 0}]

    assert [one.field for one in rejections(make_words(line_items=only_bad))] == ["line_items.0.quantity"]


def test_a_list_that_is_really_too_short_is_said_to_be() -> None:
    assert rejections(make_words(line_items=[])) == (
        Rejection("invalid", "line_items", "Array should have at least 1 item after validation, not 0"),
    )


def test_a_sentence_speaks_of_json_and_not_of_our_program() -> None:
    sentences = [
        rejection.message
        for words in (
            make_words(line_items=5),
            make_words(line_items=[]),
            make_words(line_items=[{"ticket_class_id": "standing", "quantity": 1}] * 101),
            make_words(payments={}),
        )
        for rejection in rejections(words)
    ]

    assert len(sentences) == 4
    assert all("array" in sentence.lower() and "tuple" not in sentence.lower() for sentence in sentences)


def test_an_unknown_field_is_told_by_its_name() -> None:
    assert rejections(make_words(coupon="X")) == (Rejection("invalid", "coupon", "unknown field coupon"),)


def test_the_value_that_was_wrong_is_not_repeated() -> None:
    words = make_words(shipping="4111 1111 1111 1111", reference="secret" * 100)

    assert not any("4111" in one.message or "secret" in one.message for one in rejections(words))


def test_a_hundred_mistakes_are_told_as_twenty() -> None:
    assert len(rejections(make_words(line_items=[{"quantity": 0}] * 100))) == MAX_REJECTIONS == 20


def test_a_megabyte_of_a_name_comes_back_as_a_line() -> None:
    (rejection,) = rejections(make_words(**{"x" * 1_000_000: 1}))

    assert rejection.field == "x" * 64
    assert len(rejection.message) < 100


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.text(st.characters(), min_size=1), st.integers(), min_size=1, max_size=5))
def test_whatever_the_unknown_fields_are_called_the_answer_can_be_stored(unknown: dict[str, int]) -> None:
    told = rejections({"": 0} | unknown)

    assert 1 <= len(told) <= MAX_REJECTIONS
    for rejection in told:
        for text in (rejection.field or "", rejection.message):
            assert "\x00" not in text
            text.encode("utf-8")  # or UnicodeEncodeError


def test_what_is_no_object_is_rejected_as_a_whole() -> None:
    no_objects: list[Any] = [[], "order", 5, None, True, 1.5]
    for words in no_objects:
        (rejection,) = rejections(words)
        assert (rejection.code, rejection.field) == ("invalid", None)


def test_the_status_of_a_request_is_written_in_the_documented_words() -> None:
    status = RequestStatus(
        request_id=UUID(int=1),
        status="rejected",
        order_id=None,
        errors=(RequestError(code="sold_out", field="line_items.0.quantity", message="none is left"),),
    )

    assert status.model_dump(mode="json") == {
        "request_id": "00000000-0000-0000-0000-000000000001",
        "status": "rejected",
        "order_id": None,
        "errors": [{"code": "sold_out", "field": "line_items.0.quantity", "message": "none is left"}],
    }
