"""An order as it was confirmed, before anything was changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


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
