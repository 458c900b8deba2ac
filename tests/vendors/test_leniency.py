"""The one rule of what vendors' clients may write loosely."""

from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from vendors.leniency import RelatedCall, whole_number, whole_text


class Part(RelatedCall):
    """A part of a call of no vendor."""

    NEIGHBOURS: ClassVar[frozenset[str]] = frozenset({"colour"})

    name: str
    count: int | None = None


@pytest.mark.parametrize(
    "written", [2, 2.0, Decimal("2"), Decimal("2.000"), Decimal("2E+0"), Decimal("0.2E+1")]
)
def test_a_number_that_is_whole_is_whole_however_it_is_written(written: Any) -> None:
    found = whole_number(written)

    assert found == 2
    assert type(found) is int


@pytest.mark.parametrize(
    "written", [2.5, Decimal("2.5"), True, False, None, "2.0", "", 1e300, float("inf"), float("nan"), 9e15]
)
def test_all_else_stays_as_it_is_written(written: Any) -> None:
    assert whole_number(written) is written


@pytest.mark.parametrize(("written", "number"), [("2", 2), ("2.0", 2), ("02", 2), ("2.000", 2), ("0", 0)])
def test_text_of_a_whole_number_is_whole(written: str, number: int) -> None:
    assert whole_text(written) == number


@pytest.mark.parametrize(
    "written", ["", " ", "2.", ".0", "2.5", "-2", "+2", "2e0", " 2", "2\n", "٢", "9" * 16, True, None, 2.0]
)
def test_text_of_no_whole_number_stays_as_it_is_written(written: Any) -> None:
    assert whole_text(written) is written


def test_null_is_as_a_field_that_is_left_out() -> None:
    assert Part.model_validate({"name": "x", "count": None}) == Part.model_validate({"name": "x"})
    with pytest.raises(ValidationError, match="Field required"):
        Part.model_validate({"name": None})


def test_fields_of_neighbours_are_kept_as_they_came() -> None:
    part = Part.model_validate({"name": "x", "colour": {"deep": [1]}})

    assert part.related == {"colour": {"deep": [1]}}
    assert Part.model_validate({"name": "x", "colour": None}).related == {}


@pytest.mark.parametrize("value", [None, "", 1, {}])
def test_what_is_not_understood_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(ValidationError, match="size"):
        Part.model_validate({"name": "x", "size": value})


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="valid dictionary"):
        Part.model_validate(value)
