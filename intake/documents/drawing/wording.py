"""Amounts, names and addresses as a person reads them."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from schemas.money import display_money
from schemas.order_fields import Address, Attendee, Buyer

_LOCALE: Final = "en"

_JOINERS: Final = "\u200c\u200d"
_INVISIBLE: Final = {"Cc", "Cf", "Cs"}  # control characters, format characters, surrogates
# Format characters that are visible: they are drawn around the next ones (Prepended_Concatenation_Mark).
_VISIBLE_FORMAT: Final = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def clean(text: str | None) -> str:
    """Return the text for drawing: on one line, composed (NFC), without invisible characters.

    Marks that turn the direction of text would let a name rewrite the text next to it. Joiners stay:
    Persian and Indic names need them.
    """
    composed = _SELECTORS.sub("", unicodedata.normalize("NFC", text or ""))
    visible = "".join(
        one
        for one in composed
        if one in _JOINERS
        or one.isspace()
        or unicodedata.category(one) not in _INVISIBLE
        or _VISIBLE_FORMAT.match(one)
    )
    return " ".join(visible.split())


def joined(parts: Iterable[str | None], separator: str = ", ") -> str:
    """Return the non-empty parts as one text, cleaned."""
    return separator.join(filter(None, map(clean, parts)))


def name_of(person: Buyer | Attendee | None) -> str:
    """Return a person's name, or an empty text."""
    return "" if person is None else joined((person.first_name, person.last_name), " ")


def address_lines(address: Address | None) -> tuple[str, ...]:
    """Return a postal address line by line."""
    if address is None:
        return ()
    city = joined((address.postal_code, address.city), " ")
    lines = (address.name, address.line_1, address.line_2, joined((city, address.state)), address.country)
    return tuple(filter(None, map(clean, lines)))


def money(amount: Decimal, currency: str) -> str:
    """Return the amount with its currency: `$45.50`, `¥4,500`, `KWD 1.250`."""
    return clean(display_money(amount, currency, _LOCALE))
