"""EventBookings: reading orders, `GET /events/{event_uuid}/orders` and `GET /orders/{order_uuid}`.

The vendor's document (Orders GET) specifies the answers; docs/eventbookings.md lists our choices where it
leaves something open.
"""

from vendors.eventbookings.errors import refusal
from vendors.eventbookings.links import Links
from vendors.eventbookings.pages import ORDER_BY, Page, Query
from vendors.eventbookings.render import answer, answer_list, answer_listed, answer_without_links

__all__ = [
    "ORDER_BY",
    "Links",
    "Page",
    "Query",
    "answer",
    "answer_list",
    "answer_listed",
    "answer_without_links",
    "refusal",
]
