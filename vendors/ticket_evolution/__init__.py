"""Ticket Evolution: creating orders and reading them, `/v9/orders`.

The vendor's document (Orders / Create, in two versions) specifies the call; for the answer it says "See
Orders / Index". docs/ticket-evolution.md lists what that page and the vendor's own clients add, and our
choices.
"""

from vendors.dialect import Dialect
from vendors.ticket_evolution.errors import layout_of, refusal, rejected
from vendors.ticket_evolution.render import answer
from vendors.ticket_evolution.split import split
from vendors.ticket_evolution.translate import NAME, translate

DIALECT = Dialect(NAME, split, translate)

__all__ = ["DIALECT", "answer", "layout_of", "refusal", "rejected"]
