"""An order as it was confirmed, and its changes since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OriginalLine:
    """A line as it was confirmed, with the catalogue's id of its ticket class."""

    line_number: int
    ticket_class_id: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Original:
    """The amounts, the lines and the extras of an order as it was confirmed."""

    total: Decimal
    discount: Decimal
    lines: tuple[OriginalLine, ...]
    extras: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of an order: the resulting version, and each field with its old and new value.

    `previous_at` and `previous_by` are those of the preceding change; None for the first one.
    """

    number: int
    request_id: UUID
    fields: Sequence[Mapping[str, Any]]
    previous_at: datetime | None = None
    previous_by: str | None = None
