"""`GET /v1/orders/{id}/documents`: new links, to pass on to the buyer."""

from fastapi import APIRouter, Request, Response

from intake.calls.access import Reader
from intake.calls.document_links import links_of
from intake.documents.links import Links
from intake.openapi.document_calls import SHOW_DOCUMENTS
from intake.parts import PartsOfApp
from intake.routes.order_reading import read_order
from intake.web.problems import not_found
from intake.web.responses import DocumentLinks, TicketLinks, json_response
from intake.web.strict_routes import StrictRoute
from schemas.json import JsonObject
from schemas.text import parse_uuid

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["documents"])


@router.get("/v1/orders/{order_id}/documents", summary="Links to an order's documents", **SHOW_DOCUMENTS)
def show_links(request: Request, order_id: str, parts: PartsOfApp, caller: Reader) -> Response:
    """Return signed links that expire; they work without a key."""
    id_ = parse_uuid(order_id)
    order = read_order(parts.engine, id_, caller.tenant_id) if id_ else None
    if order is None:
        raise not_found()
    links = links_of(request, caller)
    found = DocumentLinks(
        order_pdf=links.order_pdf(order["id"]),
        tickets=tuple(_links_to(ticket, links) for ticket in order["tickets"]),
        expires_at=links.expires_at.replace(microsecond=0),
    )
    return json_response(found.model_dump())


def _links_to(ticket: JsonObject, links: Links) -> TicketLinks:
    id_, is_void = ticket["id"], ticket["status"] == "voided"
    has_code = ticket["code"] is not None and not is_void
    return TicketLinks(
        id=id_,
        digital_pass=None if is_void else links.digital_pass(id_),
        png=links.ticket_image(id_) if has_code else None,
        svg=links.ticket_image(id_, "svg") if has_code else None,
    )
