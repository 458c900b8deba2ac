"""Zoho Backstage: creating an order, `POST /v3/portals/{portal_id}/events/{event_id}/orders`.

The vendor's document says what a call and its answer hold; what its numbers mean beyond those of the
sample is our choice, listed in docs/zoho-backstage.md.
"""

from vendors.zoho_backstage.errors import in_fields_of, refusal
from vendors.zoho_backstage.render import answer
from vendors.zoho_backstage.translate import DIALECT

__all__ = ["DIALECT", "answer", "in_fields_of", "refusal"]
