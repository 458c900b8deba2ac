"""Leniency: what every dialect accepts from its vendor's clients.

A whole number may be written with a fraction: 2.0 is 2. A null field counts as omitted; so does blank text
where calls come from forms (Ticket Evolution, Zoho Backstage). A field that the vendor documents for a
related object is stored with the order. Every other unknown field is refused by name, since it could change
money or tickets.
"""

import re
from decimal import Decimal
from typing import Any, ClassVar, Final, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from schemas.json import JsonObject
from schemas.text import WireModel

_FRACTIONS: Final = frozenset({float, Decimal})
"""The types of numbers written with a fraction."""

_EXACT: Final = 10**15
"""Whole numbers below it are exact in a double (IEEE 754), as which most readers decode JSON numbers."""

_WHOLE_TEXT: Final = re.compile(r"[0-9]{1,15}(?:\.0+)?", re.ASCII)


def whole_number(value: Any) -> Any:
    """Return a number that is whole as an integer, and all else as it is."""
    if isinstance(value, float | Decimal) and _is_whole(value):
        return int(value)
    return value


def whole_text(value: Any) -> Any:
    """Return text of a whole number, such as 2 or 2.0, as an integer, and all else as it is."""
    if isinstance(value, str) and _WHOLE_TEXT.fullmatch(value) is not None:
        return int(value.partition(".")[0])
    return value


def _is_whole(value: float | Decimal) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) < _EXACT
    return value.is_finite() and value == value.to_integral_value()


class Call(WireModel):
    """A part of a call's body, as a vendor's client sends it."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Return whether a field with this value counts as sent."""
        return value is not None

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Return whether pydantic can take the part unchanged: true for most parts, which saves a copy."""
        return None not in value.values() and _FRACTIONS.isdisjoint(map(type, value.values()))

    @model_validator(mode="before")
    @classmethod
    def _leniently(cls, value: Any) -> Any:
        if not isinstance(value, dict) or cls.is_plain(value):
            return value
        return {name: whole_number(one) for name, one in cls.given(value).items()}

    @classmethod
    def given(cls, value: JsonObject) -> JsonObject:
        """Return the part without the fields that count as omitted; unknown ones stay, to be refused."""
        return {
            name: one
            for name, one in value.items()
            if cls.is_given(name, one) or name not in cls.model_fields
        }


_OURS: Final = "idempotency_key"


class FormCall(Call):
    """A part of a call from a form, which sends its empty inputs too: blank text counts as omitted."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Return whether a field counts as sent; a blank idempotency key does, and is refused."""
        return value is not None and (name == _OURS or not isinstance(value, str) or bool(value.strip()))

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Return whether no value is null, blank text, or a number with a fraction."""
        return super().is_plain(value) and not any(
            type(one) is str and (not one or one.isspace()) for one in value.values()
        )


class RelatedCall(Call):
    """A part with documented fields of related objects: stored as sent, and otherwise ignored."""

    NEIGHBOURS: ClassVar[frozenset[str]] = frozenset()

    _related: JsonObject = PrivateAttr(default_factory=dict)

    @property
    def related(self) -> JsonObject:
        """Return the fields of related objects that were sent."""
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
