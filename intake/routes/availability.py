"""Availability of an event's tickets."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from intake.auth.keys import Caller
from intake.calls.access import allowed
from intake.clock import utc_now
from intake.openapi.other_calls import LIST_TICKET_CLASSES
from intake.parts import PartsOfApp
from intake.web.problems import not_found
from intake.web.responses import json_response
from intake.web.strict_routes import StrictRoute
from orders.reading.availability import list_ticket_classes

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["events"])

CatalogueReader = Annotated[Caller, Depends(allowed("catalogue.read"))]


@router.get("/v1/events/{event_id}/ticket-classes", summary="List ticket classes", **LIST_TICKET_CLASSES)
def list_of_event(request: Request, event_id: str, parts: PartsOfApp, caller: CatalogueReader) -> Response:
    """Return the ticket classes of an event, by the catalogue's id, and how many tickets are free.

    Another buyer may be faster: an order whose line has the `signature` as its
    `ticket_group_signature` is rejected if too few are free by then, or the price has risen.
    """

    def read(connection: Connection) -> Response:
        items = list_ticket_classes(connection, caller.tenant_id, event_id, now=utc_now())
        if not items:
            raise not_found()
        return json_response({"items": items})

    return parts.stale_reads.read(request, read)
