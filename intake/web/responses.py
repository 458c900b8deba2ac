"""What the intake itself says, beside the words of `schemas`; and how anything becomes a response."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from orders.reading.snapshots import StoredOrder
from orders.render import to_json
from schemas.holds import Hold
from schemas.orders import CheckIn, Ticket
from schemas.text import WireModel


class Accepted(WireModel):
    """The broker has the request; nothing else is known yet."""

    request_id: UUID = Field(description="The request's id.")
    status_url: str = Field(description="Where to ask what became of it: a path of this server.")


class ProblemError(WireModel):
    """One mistake in the call, or one part that is not ready."""

    code: str = Field(
        description="A code as in `RequestError`, such as `invalid`; or `unavailable`, of `GET /readyz`."
    )
    field: str | None = Field(description="The field, header or parameter it is about; null: the whole.")
    message: str = Field(description="A sentence for a person.")


class ProblemDocument(WireModel):
    """What went wrong with a call (RFC 9457)."""

    type: str = Field(description="Always `about:blank`: the status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the response.")
    detail: str = Field(description="A sentence about this very problem.")
    errors: tuple[ProblemError, ...] = Field(description="The mistakes one by one; may be empty.")
    instance: str | None = Field(None, description="The path of the request that was rejected, if any.")


class FieldChange(WireModel):
    """One field that a change has changed."""

    field: str = Field(description="Which one, such as `line_items.0.quantity`.")
    from_: Any = Field(alias="from", description="What it was; null: it was not there.")
    to: Any = Field(description="What it became; null: it is gone.")


class HistoryEntry(WireModel):
    """One change of an order."""

    version: int = Field(description="The order's version after it.")
    kind: str = Field(description="The kind of the request, such as `orders.update`.")
    request_id: UUID = Field(description="The request that asked for it.")
    by: str | None = Field(
        description="Who sent it: an API key's id, `command line`, `schedule`; null where nobody said."
    )
    at: datetime = Field(description="When it took effect (RFC 3339, UTC).")
    changes: tuple[FieldChange, ...] = Field(description="What it changed; empty for the creation.")


class OrderHistory(WireModel):
    """Every change of an order."""

    items: tuple[HistoryEntry, ...] = Field(description="The changes, oldest first.")


class CheckedIn(WireModel):
    """What a gate needs to know of a ticket that was let in."""

    ticket: Ticket = Field(description="The ticket as it is now.")
    order_id: UUID = Field(description="The ticket's order.")
    check_in: CheckIn = Field(description="How many of the order's tickets were used.")


class TicketLinks(WireModel):
    """The links to a ticket's documents."""

    id: UUID = Field(description="The ticket's id.")
    digital_pass: str | None = Field(description="The ticket as a page for a phone; null when it is void.")
    png: str | None = Field(description="Its QR code as a PNG; null while it has none, and when it is void.")
    svg: str | None = Field(description="The same as an SVG.")


class DocumentLinks(WireModel):
    """Signed links to an order's documents, for those who have no key."""

    order_pdf: str = Field(description="The order as a PDF, with a page for each ticket.")
    tickets: tuple[TicketLinks, ...] = Field(description="Its tickets, in the order's order.")
    expires_at: datetime = Field(description="Until when the links are good (RFC 3339, UTC).")


class DocumentPending(WireModel):
    """The document is asked for, and not there yet."""

    status: Literal["pending"] = Field(description="Always `pending`.")
    detail: str = Field(description="A sentence for a person.")


class HoldPage(WireModel):
    """A page of holds, newest first."""

    items: tuple[Hold, ...] = Field(description="The holds of this page, newest first.")
    next_cursor: str | None = Field(
        description="The parameter `cursor` of the next page; null on the last one."
    )


class TicketClassOnSale(WireModel):
    """A ticket class, and how much of it can be bought now."""

    id: str = Field(description="The catalogue's id of the ticket class.")
    event_id: str = Field(description="The catalogue's id of the event.")
    name: str = Field(description="Its name.")
    section: str | None = Field(description="The section of its seats.")
    row: str | None = Field(description="The row of its seats.")
    currency: str = Field(description="The currency of its price (ISO 4217).")
    price: str = Field(description="What one ticket costs, a decimal string.")
    capacity: int = Field(description="How many tickets there are in all.")
    free: int = Field(description="How many of them are neither sold nor held.")
    has_seats: bool = Field(description="Whether its tickets have numbered seats.")
    signature: str = Field(description="For a line's `ticket_group_signature`: what was free, and the price.")


class TicketClassList(WireModel):
    """The ticket classes of an event."""

    items: tuple[TicketClassOnSale, ...] = Field(description="All of them, by their ids.")


class Alive(WireModel):
    """The process runs, or can take work."""

    status: str = Field(description="`alive` or `ready`.")


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response; orders hold names, so that nothing on the way may keep it."""
    return Response(
        to_json(content), status, {"cache-control": "no-store", **(headers or {})}, "application/json"
    )


_MOST_NAMED: Final = 50


def list_response(
    content: Any, left_out: Sequence[UUID], headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response with a list of orders; a header names those that could not be shown.

    The header `Willcall-Left-Out` has their ids, the first 50 of them, and is missing where all are shown.
    """
    marked = {"willcall-left-out": ", ".join(map(str, left_out[:_MOST_NAMED]))} if left_out else {}
    return json_response(content, headers={**(headers or {}), **marked})


def order_response(
    order: StoredOrder, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the order as a JSON response, with its entity tag."""
    found = {"cache-control": "no-store", "etag": etag(order), **(headers or {})}
    return Response(order.json(), status, found, "application/json")


def etag(order: StoredOrder) -> str:
    """Return the order's entity tag: its version, quoted."""
    return f'"{order.version}"'
