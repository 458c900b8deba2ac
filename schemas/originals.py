"""An order as it was: confirmed, before anything was changed; and what was changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OriginalLine:
    """A line as it was confirmed; its ticket class by the catalogue's id."""

    line_number: int
    ticket_class_id: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Original:
    """What an order cost, and of how much, as it was confirmed; `extras` are those of the order then."""

    total: Decimal
    discount: Decimal
    lines: tuple[OriginalLine, ...]
    extras: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of an order: the version that it made, and each field with what it was and what it became.

    `previous_at` and `previous_by` tell of the change before it; None where it was the first.
    """

    number: int
    request_id: UUID
    fields: Sequence[Mapping[str, Any]]
    previous_at: datetime | None = None
    previous_by: str | None = None
