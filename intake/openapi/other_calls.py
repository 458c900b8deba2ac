"""The other calls on the OpenAPI page: holds, the gate, the catalogue, requests, and health."""

from typing import Final

from intake.openapi.parts import (
    ACCEPTED,
    AGAIN,
    MAY_BE_STALE,
    NEEDS_KEY,
    NOT_FOUND,
    WAITED,
    problem,
    reference,
    request,
    response,
)
from intake.web.responses import (
    Alive,
    CheckedIn,
    HoldPage,
    TicketClassList,
)
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, Hold, HoldRequest, ReleaseRequest
from schemas.json import JsonObject
from schemas.outcomes import RequestStatus

CHECK_IN_TICKET: Final = request(
    reference(CheckInRequest),
    {"code": "AQ3f…", "event_id": "2000000116588", "nonce": "gate-2-000871"},
    {
        200: response(
            "The ticket is checked in, or its check-in is undone.",
            reference(CheckedIn),
            Preference_Applied=WAITED,
        ),
        202: ACCEPTED
        | {"description": "There was no outcome in time: within 5 seconds, or the wait in `Prefer`."},
        404: problem("`unknown_ticket`: the ticket does not exist or belongs to another tenant."),
        409: problem("`already_checked_in`: the error's message says when."),
        410: problem("`ticket_voided`: the ticket is no longer valid."),
        422: problem("Any other rejection, such as `wrong_event` or `forged_ticket`."),
    },
)
_HOLD_AFTER: Final = response("`Prefer: wait`: the hold.", reference(Hold), Preference_Applied=WAITED)
_OF_HOLD: Final[dict[int | str, JsonObject]] = {
    200: _HOLD_AFTER,
    404: problem("The hold does not exist or belongs to another tenant; the latter is known after a wait."),
}
TAKE_HOLD: Final = request(
    reference(HoldRequest),
    {"ticket_class_id": "3000000012232", "quantity": 2, "expires_at": "2027-04-01T12:15:00Z"},
    {
        201: response(
            "`Prefer: wait`: the hold. Its id is the id of the request that took it.",
            reference(Hold),
            Location="The hold's path.",
            Preference_Applied=WAITED,
        ),
    },
)
EXTEND_HOLD: Final = request(
    reference(ExtendRequest), {"expires_at": "2027-04-01T12:30:00Z"}, _OF_HOLD, is_required=False
)
RELEASE_HOLD: Final = request(reference(ReleaseRequest), {}, _OF_HOLD, is_required=False)
SHOW_HOLD: Final[JsonObject] = {
    "responses": NEEDS_KEY | NOT_FOUND | {200: response("The hold.", reference(Hold))}
}
LIST_HOLDS: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | {
        200: response("A page of holds.", reference(HoldPage)),
        400: problem("The cursor is not from a page."),
        422: problem("A parameter is malformed."),
    },
    "openapi_extra": MAY_BE_STALE,
}
LIST_TICKET_CLASSES: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | NOT_FOUND
    | {200: response("The ticket classes of the event.", reference(TicketClassList))},
    "openapi_extra": MAY_BE_STALE,
}
SHOW_REQUEST: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | NOT_FOUND
    | {200: response("The status of the request.", reference(RequestStatus))}
}
HEALTHZ: Final[JsonObject] = {"responses": {200: response("The process is alive.", reference(Alive))}}
READYZ: Final[JsonObject] = {
    "responses": {
        200: response("The process can take work.", reference(Alive)),
        503: problem(
            "The process cannot take work; `errors` names the parts: database, schema, broker.",
            Retry_After=AGAIN,
        ),
    }
}
METRICS: Final[JsonObject] = {
    "responses": {200: {"description": "Prometheus text.", "content": {"text/plain": {}}}}
}
