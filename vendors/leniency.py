"""What every dialect takes as its vendor's clients write it: one rule for all of them.

A number that is whole is whole, however it is written: 2.0 is 2. A field that is null is as one that is left
out. A field that the vendor documents for a neighbour of what is called is kept with the order. All else that
a dialect has no word for is refused by its name, whatever would change money or tickets among it.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from schemas.text import Word
from vendors.dialect import Words

_EXACT: Final = 10**15
"""Whole numbers below it are exact in a double (IEEE 754), which is how JSON is mostly read."""


def whole_numbers(value: Any) -> Any:
    """Return JSON in which every number that is whole is an integer, wherever it stands."""
    if isinstance(value, float | Decimal):
        return int(value) if _is_whole(value) else value
    if isinstance(value, dict):
        return {name: whole_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [whole_numbers(one) for one in value]
    return value


def _is_whole(value: float | Decimal) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) < _EXACT
    return value.is_finite() and value == value.to_integral_value()


class Call(Word):
    """A part of a call, as a vendor's client sends it."""

    NEIGHBOURS: ClassVar[frozenset[str]] = frozenset()
    """Fields that the vendor documents for neighbours of this part: kept as they came, and not looked at."""

    _related: Words = PrivateAttr(default_factory=dict)

    @property
    def related(self) -> Words:
        """Return the fields of neighbours that were sent."""
        return dict(self._related)

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Say whether a field with this value counts as sent."""
        return value is not None

    @model_validator(mode="wrap")
    @classmethod
    def _leniently(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            return handler(value)
        given = {
            name: one for name, one in value.items() if cls.is_given(name, one) or not cls._is_known(name)
        }
        related = {name: given.pop(name) for name in tuple(given) if name in cls.NEIGHBOURS}
        model = handler(given)
        if related:
            model._related = related
        return model

    @classmethod
    def _is_known(cls, name: Any) -> bool:
        return name in cls.model_fields or name in cls.NEIGHBOURS
