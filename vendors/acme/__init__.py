"""ACME Ticketing: the B2C orders, `/v1/b2c/orders`.

The vendor's document names the calls and the fields of the order object; what it leaves open is our
choice, listed in docs/acme.md.
"""

from vendors.acme.earlier_order import before_deletion, earlier, is_deleted
from vendors.acme.errors import in_places_of, refusal
from vendors.acme.extras import related_of_items
from vendors.acme.render import answer
from vendors.acme.replace import classes_of, compares, said_of
from vendors.acme.response_items import catalogue_words
from vendors.acme.translate import DIALECT

__all__ = [
    "DIALECT",
    "answer",
    "before_deletion",
    "catalogue_words",
    "classes_of",
    "compares",
    "earlier",
    "in_places_of",
    "is_deleted",
    "refusal",
    "related_of_items",
    "said_of",
]
