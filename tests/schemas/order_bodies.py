"""Order requests, valid and refused, for the tests of their schema."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.order_requests import OrderRequest
from schemas.outcomes import rejections_of

MONEY = ("shipping", "service_fee", "additional_expense", "tax", "discount")
MEGABYTE = pytest.param("9" * 1_000_000, id="a megabyte")
UNSTORABLE = ["\x00", "Ada\x00", "\ud800", "Ada \udfff"]


def make_line(**changes: Any) -> dict[str, Any]:
    return {"ticket_class_id": "standing", "quantity": 1} | changes


def make_body(**changes: Any) -> dict[str, Any]:
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    return {"buyer": buyer, "line_items": [make_line()]} | changes


def with_buyer(**changes: Any) -> dict[str, Any]:
    body = make_body()
    return body | {"buyer": body["buyer"] | changes}


def with_line(**changes: Any) -> dict[str, Any]:
    return make_body(line_items=[make_line(**changes)])


def accept(body: dict[str, Any]) -> OrderRequest:
    return OrderRequest.model_validate(body)


def refused(body: dict[str, Any]) -> dict[str, str]:
    """The fields that were refused, each with its sentence."""
    with pytest.raises(ValidationError) as caught:
        accept(body)
    rejections = rejections_of(caught.value)
    assert {rejection.code for rejection in rejections} == {"invalid"}
    return {str(rejection.field): rejection.message for rejection in rejections}
