"""What every dialect takes as its vendor's clients write it: one rule for all of them.

A number that is whole is whole, however it is written: 2.0 is 2. A field that is null is as one that is left
out. A field that the vendor documents for a neighbour of what is called is kept with the order. All else that
a dialect has no word for is refused by its name, whatever would change money or tickets among it.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from schemas.json import JsonObject
from schemas.text import WireModel

_FRACTIONS: Final = frozenset({float, Decimal})
"""The types of numbers that are written with a fraction."""

_EXACT: Final = 10**15
"""Whole numbers below it are exact in a double (IEEE 754), which is how JSON is mostly read."""


def whole_number(value: Any) -> Any:
    """Return a number that is whole as an integer, and all else as it is."""
    if isinstance(value, float | Decimal) and _is_whole(value):
        return int(value)
    return value


def _is_whole(value: float | Decimal) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) < _EXACT
    return value.is_finite() and value == value.to_integral_value()


class Call(WireModel):
    """A part of a call, as a vendor's client sends it."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Say whether a field with this value counts as sent."""
        return value is not None

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Say whether a part is as pydantic takes it: most are, and nothing has to be made anew."""
        return None not in value.values() and _FRACTIONS.isdisjoint(map(type, value.values()))

    @model_validator(mode="before")
    @classmethod
    def _leniently(cls, value: Any) -> Any:
        if not isinstance(value, dict) or cls.is_plain(value):
            return value
        return {
            name: whole_number(one)
            for name, one in value.items()
            if cls.is_given(name, one) or name not in cls.model_fields
        }


class RelatedCall(Call):
    """A part beside which the vendor documents fields of neighbours: kept as they came, and not looked at."""

    NEIGHBOURS: ClassVar[frozenset[str]] = frozenset()

    _related: JsonObject = PrivateAttr(default_factory=dict)

    @property
    def related(self) -> JsonObject:
        """Return the fields of neighbours that were sent."""
        return dict(self._related)

    @model_validator(mode="wrap")
    @classmethod
    def _with_related(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict) or cls.NEIGHBOURS.isdisjoint(value):
            return handler(value)
        model = handler({name: one for name, one in value.items() if name not in cls.NEIGHBOURS})
        model._related = {
            name: value[name] for name in value if name in cls.NEIGHBOURS and value[name] is not None
        }
        return model
