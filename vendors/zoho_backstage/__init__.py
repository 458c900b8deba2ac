"""Zoho Backstage: creating an order, `POST /v3/portals/{portal_id}/events/{event_id}/orders`.

The vendor's document specifies a call and its answer; docs/zoho-backstage.md lists our choices for numbers
that its sample does not explain.
"""

from vendors.zoho_backstage.errors import refusal, with_call_fields
from vendors.zoho_backstage.render import answer
from vendors.zoho_backstage.translate import DIALECT

__all__ = ["DIALECT", "answer", "refusal", "with_call_fields"]
