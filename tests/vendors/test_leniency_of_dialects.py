"""The one rule of leniency holds in every dialect, for every field of what its vendor's clients send."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.contract.messages import recorded
from vendors.acme.request_models import OrderCall as AcmeOrder
from vendors.leniency import Call
from vendors.registry import DIALECTS, translate
from vendors.ticket_evolution.request_models import OrdersCall
from vendors.zoho_backstage.request_models import OrderCall as ZohoOrder
from willcall.kinds import CREATE, UPDATE

_ID = "0b6a1d9e-6f0e-4b51-9d55-0d7a3ff2f1ab"

_SAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("acme", CREATE, recorded("acme/create_order.json")),
    ("acme", UPDATE, {**recorded("acme/create_order.json"), "id": _ID}),
    ("zoho_backstage", CREATE, recorded("zoho_backstage/create_order.json")),
    *(
        ("ticket_evolution", CREATE, request)
        for request in DIALECTS["ticket_evolution"].split(recorded("ticket_evolution/create_orders.json"))
    ),
]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for part in get_args(annotation):
        yield from _models(part)


def _paths(words: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all fields."""
    if isinstance(words, dict):
        for name, value in words.items():
            yield (*path, name)
            yield from _paths(value, (*path, name))
    elif isinstance(words, list):
        for index, value in enumerate(words):
            yield from _paths(value, (*path, index))


def _at(words: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        words = words[part]
    return words


_PLACES = [
    (dialect, kind, sample, path)
    for dialect, kind, sample in _SAMPLES
    for path in _paths(sample)
    if not any(str(part).endswith("_attributes") for part in path[:-1])  # kept as they came
]


def _param(dialect: str, kind: Any, sample: Any, path: tuple[Any, ...]) -> Any:
    return pytest.param(dialect, kind, sample, path, id=f"{dialect}-{kind}-{'.'.join(map(str, path))}")


_FIELDS = [_param(*one) for one in _PLACES]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value)


_OF_FORMS = [_param(*one) for one in _PLACES if one[0] != "acme" and one[3][-1] != "amount"]

_WHOLE = [_param(*one) for one in _PLACES if _is_whole(_at(one[2], one[3]))]


@pytest.mark.parametrize("model", [AcmeOrder, ZohoOrder, OrdersCall])
def test_every_part_of_a_call_follows_the_rule(model: type[BaseModel]) -> None:
    assert {one for one in _models(model) if not issubclass(one, Call)} == set()


def _assert_is_as_left_out(
    dialect: str, kind: str, sample: Any, path: tuple[Any, ...], value: str | None
) -> None:
    given, left_out = deepcopy(sample), deepcopy(sample)
    _at(given, path[:-1])[path[-1]] = value
    del _at(left_out, path[:-1])[path[-1]]

    assert translate(dialect, kind, given)[1] == translate(dialect, kind, left_out)[1]
    if not translate(dialect, kind, given)[1]:
        assert translate(dialect, kind, given) == translate(dialect, kind, left_out)


@pytest.mark.parametrize(("dialect", "kind", "sample", "path"), _FIELDS)
def test_null_is_as_left_out(dialect: str, kind: str, sample: Any, path: tuple[Any, ...]) -> None:
    _assert_is_as_left_out(dialect, kind, sample, path, None)


@pytest.mark.parametrize("blank", ["", " \t"])
@pytest.mark.parametrize(("dialect", "kind", "sample", "path"), _OF_FORMS)
def test_blank_text_of_a_form_is_as_left_out(
    dialect: str, kind: str, sample: Any, path: tuple[Any, ...], blank: str
) -> None:
    _assert_is_as_left_out(dialect, kind, sample, path, blank)


@pytest.mark.parametrize(("dialect", "kind", "sample", "path"), _WHOLE)
def test_a_whole_number_may_have_a_fraction_of_nothing(
    dialect: str, kind: str, sample: Any, path: tuple[Any, ...]
) -> None:
    value = _at(sample, path)
    expected = deepcopy(sample)
    _at(expected, path[:-1])[path[-1]] = int(value)
    for written in (float(value), Decimal(int(value)).quantize(Decimal("1.000"))):
        words = deepcopy(sample)
        _at(words, path[:-1])[path[-1]] = written
        assert translate(dialect, kind, words) == translate(dialect, kind, expected)


@pytest.mark.parametrize(("dialect", "kind", "sample", "path"), _FIELDS)
def test_an_unknown_field_beside_any_other_is_refused_by_its_name(
    dialect: str, kind: str, sample: Any, path: tuple[Any, ...]
) -> None:
    words = deepcopy(sample)
    _at(words, path[:-1])["total_price_override"] = 1

    _, mistakes = translate(dialect, kind, words)

    field = ".".join(map(str, (*path[:-1], "total_price_override")))
    assert [(one.code, one.field) for one in mistakes] == [("invalid", field)]
