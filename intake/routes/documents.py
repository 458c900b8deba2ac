"""`GET /documents/…`: the targets of signed links. An invalid link is answered with 404."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

from intake.documents.drawing.passes import CONTENT_SECURITY_POLICY, pass_of
from intake.documents.drawing.qr import png_of, svg_of
from intake.documents.links import ImageKind, image_path, is_good, order_path, pass_path
from intake.documents.read_facts import (
    Owner,
    find_owner_of_order,
    find_owner_of_ticket,
    read_ticket,
)
from intake.documents.serve import Documents, NotMadeYet
from intake.documents.unmade import not_made_yet
from intake.openapi.document_calls import SHOW_ORDER_PDF, describe_document
from intake.parts import Parts, PartsOfApp
from intake.routes import order_documents
from intake.web.conditions import is_known
from intake.web.problems import not_found
from schemas.text import parse_uuid

router = APIRouter(default_response_class=Response, tags=["documents"])
router.routes.extend(order_documents.router.routes)

PNG: Final = "image/png"
SVG: Final = "image/svg+xml"
PDF: Final = "application/pdf"
HTML: Final = "text/html; charset=utf-8"

_HEADERS: Final = {
    "cache-control": "private, no-store",
    "referrer-policy": "no-referrer",  # the link is a secret, which other pages must not learn
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_NOTHING: Final = "default-src 'none'"

# Missing ones are a 404, like wrong ones: they are not "required", which would be a 422.
Expires = Annotated[str, Query(description="When the link expires, in seconds since 1970. Part of the link.")]
Signature = Annotated[str, Query(description="The signature. Part of the link.")]
Find = Callable[[Connection, UUID], Owner | None]


async def _owner(
    documents: Documents, find: Find, id_: UUID, path: str, expires: str, signature: str
) -> Owner:
    owner = await documents.look(lambda connection: find(connection, id_))
    if owner is None or not is_good(owner.secret, path, expires, signature, datetime.now(UTC)):
        raise not_found()
    return owner


@router.get("/documents/orders/{order_id}.pdf", summary="An order as a PDF", **SHOW_ORDER_PDF)
async def show_order(
    request: Request, order_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the order's summary, and a page for each of its tickets that is not void.

    Another process makes the PDF. If that takes longer than two seconds, the answer is 202: try again.
    """
    id_ = parse_uuid(order_id)
    if id_ is None or not signature:
        raise not_found()
    documents, path = parts.documents, order_path(id_)
    owner = await _owner(documents, find_owner_of_order, id_, path, expires, signature)
    try:
        made = await documents.find(id_, owner.tenant_id)
    except NotMadeYet as not_yet:
        return not_made_yet(not_yet, request.headers.get("accept", ""), _HEADERS)
    tag = f'"{made.version}"'
    if is_known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=_HEADERS | {"etag": tag})
    headers = {
        "etag": tag,
        "content-length": str(made.bytes),
        "content-disposition": f'inline; filename="order-{owner.order_code}.pdf"',
    }
    return StreamingResponse(documents.parts_of(made), headers=_HEADERS | headers, media_type=PDF)


@router.get(
    "/documents/tickets/{ticket_id}.png", summary="A ticket's QR code as a PNG", **describe_document(PNG)
)
async def show_png(
    ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the QR code of the ticket's code. A ticket that is void, or not issued yet, has none: 404."""
    return await _image(parts, ticket_id, "png", expires, signature)


@router.get(
    "/documents/tickets/{ticket_id}.svg",
    summary="A ticket's QR code as an SVG",
    **describe_document(SVG),
)
async def show_svg(
    ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the QR code of the ticket's code. A ticket that is void, or not issued yet, has none: 404."""
    return await _image(parts, ticket_id, "svg", expires, signature)


async def _image(parts: Parts, ticket_id: str, kind: ImageKind, expires: str, signature: str) -> Response:
    id_ = parse_uuid(ticket_id)
    if id_ is None or not signature:
        raise not_found()
    path = image_path(id_, kind)
    owner = await _owner(parts.documents, find_owner_of_ticket, id_, path, expires, signature)
    if not owner.code:
        raise not_found()
    return await parts.documents.draw(owner.tenant_id, lambda: _drawn(owner.code, kind))


def _drawn(code: str, kind: ImageKind) -> Response:
    if kind == "png":
        return _response(png_of(code), PNG)
    return _response(svg_of(code).encode(), SVG, {"content-security-policy": _NOTHING})


@router.get(
    "/documents/passes/{ticket_id}", summary="A ticket as a page for a phone", **describe_document(HTML)
)
async def show_pass(
    ticket_id: str, parts: PartsOfApp, expires: Expires = "", signature: Signature = ""
) -> Response:
    """Return the ticket's page: event, place, and the QR code. A ticket that is void has none: 404."""
    id_ = parse_uuid(ticket_id)
    if id_ is None or not signature:
        raise not_found()
    path, documents = pass_path(id_), parts.documents
    owner = await _owner(documents, find_owner_of_ticket, id_, path, expires, signature)
    if owner.is_void:
        raise not_found()
    return await documents.run(owner.tenant_id, lambda connection: _pass(connection, owner, id_))


def _pass(connection: Connection, owner: Owner, ticket_id: UUID) -> Response:
    ticket = read_ticket(connection, owner, ticket_id)
    if ticket is None or ticket.state == "voided":
        raise not_found()
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
    return _response(pass_of(ticket).encode(), HTML, headers)


def _response(content: bytes, media_type: str, headers: dict[str, Any] | None = None) -> Response:
    return Response(content, headers=_HEADERS | (headers or {}), media_type=media_type)
