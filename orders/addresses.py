"""A buyer's e-mail address, or its absence, as it is stored, compared and shown.

Without an address the column holds an empty text, so that the searched text (name and address) is never null.
"""

import re
from typing import Final

# Placeholders that dialects have stored for buyers without an address; they are not shown.
_STAND_IN: Final = re.compile(
    r"(?:purchaser@zoho-backstage|customer@acme|(?:client|office)(?:-[a-z0-9]{1,40})?@ticket-evolution)\.invalid",
    re.ASCII | re.IGNORECASE,
)


def stored_address(email: str | None) -> str:
    """Return the address as it is stored."""
    return shown_address(email) or ""


def shown_address(stored: str | None) -> str | None:
    """Return the stored address, or None for a buyer without one."""
    if not stored or (stored.endswith(".invalid") and _STAND_IN.fullmatch(stored)):
        return None
    return stored


def compared_address(email: str | None) -> str:
    """Return the address for comparison, without case; an empty text is no address."""
    return stored_address(email).lower()
