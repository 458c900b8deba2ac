"""`POST /v1/check-ins`: a ticket at the gate."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from intake.calls.access import caller_of
from intake.calls.bodies import read_body
from intake.calls.send import Refusals, call_of, check_processed, send
from intake.openapi.other_calls import CHECK_IN_TICKET
from intake.requests.answer_plans import Plan, plan_for_one
from intake.requests.envelope import enclose, open_object
from intake.routes.scanned_ticket import ticket_of
from intake.web.responses import json_response
from intake.web.strict_routes import StrictRoute
from orders.reading.outcomes import RequestRow
from orders.reading.safe_rendering import showing
from orders.reading.snapshots import Snapshot
from vendors.registry import CANONICAL
from willcall.kinds import CHECK_IN

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["check-ins"])

USUAL_WAIT_SECONDS: Final = 5
"""The default wait in seconds: a gate needs the outcome at once."""

OF_CHECK_INS: Final[Refusals] = {"unknown_ticket": 404, "already_checked_in": 409, "ticket_voided": 410}


@router.post("/v1/check-ins", status_code=200, summary="Check a ticket in", **CHECK_IN_TICKET)
async def check_in(request: Request) -> Response:
    """Check in a ticket, by its scanned code or its id, or undo that; errors tell the gate the reason.

    The call waits for the outcome, 5 seconds unless `Prefer` says otherwise. A ticket is used once: with
    the same `nonce`, a scan can safely be sent again.
    """
    call = call_of(request)
    caller = await caller_of(request, "tickets.check_in")
    body = open_object(await read_body(request))
    enclosed = enclose(CHECK_IN, body, call.keys, caller)
    plan = _with_ticket(body, is_for_reader=enclosed.is_for_reader)
    return await send(call, enclosed, plan, usual_wait=USUAL_WAIT_SECONDS, shows_orders=False)


def _with_ticket(asked: Mapping[str, Any], *, is_for_reader: bool) -> Plan:
    """Return the plan that answers with the ticket.

    Its holder and code are for callers that may read orders.
    """

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        check_processed(outcome, OF_CHECK_INS)
        stored = snapshot.order(outcome.order_id, outcome.tenant_id)
        if stored is None:
            return None
        with showing(stored.id, CANONICAL):
            order = orjson.loads(stored.json())
        ticket = ticket_of(order, asked)
        if ticket is None:
            return None
        if not is_for_reader:
            ticket = ticket | {"attendee": None, "code": None}
        return json_response({"ticket": ticket, "order_id": order["id"], "check_in": order["check_in"]})

    return plan_for_one(make)
