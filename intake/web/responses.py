"""The intake's own response models, in addition to `schemas`; and how values become responses."""

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
    """The broker has confirmed the request; the outcome is not known yet."""

    request_id: UUID = Field(description="The request's id.")
    status_url: str = Field(description="The path of the request's status on this server.")


class ProblemError(WireModel):
    """One error in the call, or one part that is not ready."""

    code: str = Field(
        description="A code as in `RequestError`, such as `invalid`; `GET /readyz` has `unavailable`."
    )
    field: str | None = Field(
        description="The field, header or parameter it is about; null for the whole call."
    )
    message: str = Field(description="A sentence for people.")


class ProblemDocument(WireModel):
    """What went wrong with a call (RFC 9457)."""

    type: str = Field(description="Always `about:blank`: the status is the kind of problem.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the response.")
    detail: str = Field(description="A sentence about this occurrence of the problem.")
    errors: tuple[ProblemError, ...] = Field(description="The single errors; may be empty.")
    instance: str | None = Field(None, description="The path of the request that was rejected, if any.")


class FieldChange(WireModel):
    """One field changed by a change."""

    field: str = Field(description="The field, such as `line_items.0.quantity`.")
    from_: Any = Field(alias="from", description="The old value; null if there was none.")
    to: Any = Field(description="The new value; null if it was removed.")


class HistoryEntry(WireModel):
    """One change of an order."""

    version: int = Field(description="The order's version after the change.")
    kind: str = Field(description="The kind of the request, such as `orders.update`.")
    request_id: UUID = Field(description="The request that made the change.")
    by: str | None = Field(
        description="The sender: an API key's id, `command line`, `schedule`; null if unknown."
    )
    at: datetime = Field(description="When the change took effect (RFC 3339, UTC).")
    changes: tuple[FieldChange, ...] = Field(description="The changed fields; empty for the creation.")


class OrderHistory(WireModel):
    """Every change of an order."""

    items: tuple[HistoryEntry, ...] = Field(description="The changes, oldest first.")


class CheckedIn(WireModel):
    """The answer for a gate about a ticket that was checked in."""

    ticket: Ticket = Field(description="The ticket in its current state.")
    order_id: UUID = Field(description="The ticket's order.")
    check_in: CheckIn = Field(description="The number of the order's tickets that are checked in.")


class TicketLinks(WireModel):
    """The links to a ticket's documents."""

    id: UUID = Field(description="The ticket's id.")
    digital_pass: str | None = Field(description="The ticket as a page for a phone; null when it is void.")
    png: str | None = Field(description="Its QR code as a PNG; null while it has none, and when it is void.")
    svg: str | None = Field(description="Its QR code as an SVG, otherwise as `qr_png`.")


class DocumentLinks(WireModel):
    """Signed links to an order's documents, for those who have no key."""

    order_pdf: str = Field(description="The order as a PDF, with a page for each ticket.")
    tickets: tuple[TicketLinks, ...] = Field(description="The order's tickets, in the same sequence.")
    expires_at: datetime = Field(description="When the links expire (RFC 3339, UTC).")


class DocumentPending(WireModel):
    """The document was requested and is not ready yet."""

    status: Literal["pending"] = Field(description="Always `pending`.")
    detail: str = Field(description="A sentence for people.")


class HoldPage(WireModel):
    """A page of holds, newest first."""

    items: tuple[Hold, ...] = Field(description="The holds of this page, newest first.")
    next_cursor: str | None = Field(
        description="The parameter `cursor` of the next page; null on the last one."
    )


class TicketClassOnSale(WireModel):
    """A ticket class, and its availability."""

    id: str = Field(description="The catalogue's id of the ticket class.")
    event_id: str = Field(description="The catalogue's id of the event.")
    name: str = Field(description="Its name.")
    section: str | None = Field(description="The section of its seats.")
    row: str | None = Field(description="The row of its seats.")
    currency: str = Field(description="The currency of its price (ISO 4217).")
    price: str = Field(description="The price of one ticket, a decimal string.")
    capacity: int = Field(description="The total number of tickets.")
    free: int = Field(description="The number of tickets that are neither sold nor held.")
    has_seats: bool = Field(description="Whether its tickets have numbered seats.")
    signature: str = Field(
        description="For a line's `ticket_group_signature`: signs the availability and the price."
    )


class TicketClassList(WireModel):
    """The ticket classes of an event."""

    items: tuple[TicketClassOnSale, ...] = Field(description="All ticket classes, sorted by id.")


class Alive(WireModel):
    """The process runs, or can take work."""

    status: str = Field(description="`alive` or `ready`.")


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response; orders hold names, so it must not be cached."""
    return Response(
        to_json(content), status, {"cache-control": "no-store", **(headers or {})}, "application/json"
    )


_MOST_NAMED: Final = 50


def list_response(
    content: Any, left_out: Sequence[UUID], headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response with a list of orders; a header names those that could not be shown.

    The header `Willcall-Left-Out` has their ids, at most 50, and is absent if all orders are shown.
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
