"""ACME Ticketing: the B2C orders, `/v1/b2c/orders`.

The vendor's document names the calls and the fields of the order object; docs/acme.md lists our choices
where it leaves something open.
"""

from vendors.acme.earlier_order import before_deletion, earlier, is_deleted
from vendors.acme.errors import refusal, with_call_fields
from vendors.acme.extras import related_of_items
from vendors.acme.render import answer
from vendors.acme.replace import classes_of, needs_current_order, without_computed
from vendors.acme.response_items import catalogue_fields
from vendors.acme.translate import DIALECT

__all__ = [
    "DIALECT",
    "answer",
    "before_deletion",
    "catalogue_fields",
    "classes_of",
    "earlier",
    "is_deleted",
    "needs_current_order",
    "refusal",
    "related_of_items",
    "with_call_fields",
    "without_computed",
]
