"""Links to documents for the caller."""

from datetime import UTC, datetime

from fastapi import Request

from intake.auth.keys import Caller
from intake.documents.links import Links
from intake.parts import parts_of


def links_of(request: Request, caller: Caller) -> Links:
    """Return the maker of links for the caller's tenant; the settings say how long the links are valid."""
    parts = parts_of(request.app)
    return Links(
        parts.public_url, caller.tenant_id, caller.link_secret, datetime.now(UTC) + parts.link_lifetime
    )
