"""`GET /documents/…`: what signed links lead to. A link that is not good is one to nothing: 404."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection, Engine

from intake.documents import listing
from intake.documents.links import ImageKind, image_path, is_good, order_path, pass_path
from intake.documents.passes import CONTENT_SECURITY_POLICY, pass_of
from intake.documents.qr import png_of, svg_of
from intake.documents.reading import (
    Owner,
    find_owner_of_order,
    find_owner_of_ticket,
    read_order_document,
    read_ticket,
)
from intake.openapi import words_of_document
from intake.order_reading import at_one_moment
from intake.parts import PartsOfApp
from intake.problems import not_found
from schemas.text import parse_uuid

router = APIRouter(default_response_class=Response, tags=["documents"])
router.include_router(listing.router)

PNG: Final = "image/png"
SVG: Final = "image/svg+xml"
PDF: Final = "application/pdf"
HTML: Final = "text/html; charset=utf-8"

_HEADERS: Final = {
    "cache-control": "private, no-store",
    "referrer-policy": "no-referrer",  # the link is a secret, and no page that is gone to may learn it
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_NOTHING: Final = "default-src 'none'"

# Without them there is nothing, as with wrong ones: they are not "required", which would be a 422.
Expires = Annotated[str, Query(description="When the link expires, in seconds since 1970. Part of the link.")]
Signature = Annotated[str, Query(description="What proves that the link is ours. Part of the link.")]
Find = Callable[[Connection, UUID], Owner | None]


def _owner(engine: Engine, find: Find, id_: UUID | None, path: str, expires: str, signature: str) -> Owner:
    if id_ is None or not signature:
        raise not_found()
    with engine.connect() as connection:
        owner = find(connection, id_)
    if owner is None or not is_good(owner.secret, path, expires, signature, datetime.now(UTC)):
        raise not_found()
    return owner


@router.get("/documents/orders/{order_id}.pdf", summary="An order as a PDF", **words_of_document(PDF))
async def show_order(
    order_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the order's summary, and each of its tickets that is not void on a page of its own."""
    id_ = parse_uuid(order_id)
    path = order_path(id_) if id_ else ""
    owner = await to_thread.run_sync(_owner, parts.engine, find_owner_of_order, id_, path, expires, signature)
    # A few at a time: setting a page takes the processor, and orders must be taken meanwhile.
    return await to_thread.run_sync(_order_pdf, parts.engine, owner, limiter=parts.renderings)


def _order_pdf(engine: Engine, owner: Owner) -> Response:
    # What sets pages takes as long to import as all the rest of the intake.
    from intake.documents.pdf import pdf_of

    with at_one_moment(engine).connect() as connection:
        document = read_order_document(connection, owner.tenant_id, owner.order_id)
    if document is None:
        raise not_found()
    name = f'inline; filename="order-{document.text.code}.pdf"'
    return _response(pdf_of(document.text, document.zones), PDF, {"content-disposition": name})


@router.get(
    "/documents/tickets/{ticket_id}.png", summary="A ticket's QR code as a PNG", **words_of_document(PNG)
)
def show_png(ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = "") -> Response:
    """Return the QR code of the ticket's code. A ticket that is void, or not issued yet, has none: 404."""
    return _response(png_of(_code(parts.engine, ticket_id, "png", expires, signature)), PNG)


@router.get(
    "/documents/tickets/{ticket_id}.svg", summary="A ticket's QR code as an SVG", **words_of_document(SVG)
)
def show_svg(ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = "") -> Response:
    """Return the QR code of the ticket's code. A ticket that is void, or not issued yet, has none: 404."""
    code = _code(parts.engine, ticket_id, "svg", expires, signature)
    return _response(svg_of(code).encode(), SVG, {"content-security-policy": _NOTHING})


def _code(engine: Engine, ticket_id: str, kind: ImageKind, expires: str, signature: str) -> str:
    id_ = parse_uuid(ticket_id)
    path = image_path(id_, kind) if id_ else ""
    owner = _owner(engine, find_owner_of_ticket, id_, path, expires, signature)
    if not owner.code:
        raise not_found()
    return owner.code


@router.get(
    "/documents/passes/{ticket_id}", summary="A ticket as a page for a phone", **words_of_document(HTML)
)
def show_pass(
    ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the ticket's page: event, place, and the QR code. A ticket that is void has none: 404."""
    id_ = parse_uuid(ticket_id)
    path = pass_path(id_) if id_ else ""
    owner = _owner(parts.engine, find_owner_of_ticket, id_, path, expires, signature)
    if owner.is_void:
        raise not_found()
    with at_one_moment(parts.engine).connect() as connection:
        ticket = id_ and read_ticket(connection, owner, id_)
    if not ticket:
        raise not_found()
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
    return _response(pass_of(ticket).encode(), HTML, headers)


def _response(content: bytes, media_type: str, headers: dict[str, Any] | None = None) -> Response:
    return Response(content, headers=_HEADERS | (headers or {}), media_type=media_type)
