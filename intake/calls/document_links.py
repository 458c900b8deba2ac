"""Links to documents for whoever calls."""

from datetime import UTC, datetime

from fastapi import Request

from intake.auth.keys import Caller
from intake.documents.links import Links
from intake.parts import parts_of


def links_of(request: Request, caller: Caller) -> Links:
    """Return what makes links for the caller's tenant, which are good for as long as the settings say."""
    parts = parts_of(request.app)
    return Links(
        parts.public_url, caller.tenant_id, caller.link_secret, datetime.now(UTC) + parts.link_lifetime
    )
