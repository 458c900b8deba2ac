"""The calls on the OpenAPI page that make, change and read orders."""

from typing import Final

from intake.openapi.parts import (
    AGAIN,
    ETAG,
    FOR_READERS,
    IF_MATCH,
    KEY_PATTERN,
    MAY_BE_STALE,
    NEEDS_KEY,
    NOT_FOUND,
    ORDER_OR_OUTCOME,
    REF,
    WAITED,
    header_parameter,
    one_or_array,
    problem,
    reference,
    request,
    response,
)
from intake.web.responses import (
    Accepted,
    OrderHistory,
)
from schemas.changes import CancelRequest, PaymentRecord
from schemas.json import JsonObject
from schemas.order_requests import OrderRequest
from schemas.orders import Order, OrderPage
from schemas.outcomes import RequestStatus

CREATE_ORDERS: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | {
        200: response(
            "`Prefer: wait` and an array: the outcomes, in order.",
            {"type": "array", "items": reference(RequestStatus)},
            Preference_Applied="The wait that was applied.",
        ),
        201: response(
            f"`Prefer: wait` and a single request: the order. {FOR_READERS}",
            ORDER_OR_OUTCOME,
            Location="The order's path.",
            ETag=ETAG,
            Preference_Applied="The wait that was applied.",
        ),
        202: response(
            "The broker has confirmed the requests; they may not be processed yet.",
            one_or_array(Accepted),
            Location="The path of the outcome, for a single request.",
            Retry_After="With `Prefer: wait`: seconds until the outcome should be polled.",
        ),
        400: problem("The body or a header is malformed."),
        408: problem("The body was incomplete."),
        413: problem("The body is longer than 1 MiB."),
        415: problem("The content type is not application/json."),
        422: problem("`Prefer: wait` and a single request: it was rejected; `errors` says why."),
        503: problem(
            "The broker did not confirm, or the key cannot be looked up. Send the same again.",
            Retry_After=AGAIN,
        ),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "description": "One order request, or an array of 1 to 500 of them; at most 1 MiB.",
            "content": {
                "application/json": {
                    "schema": one_or_array(OrderRequest),
                    "example": {
                        "buyer": {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"},
                        "line_items": [{"ticket_class_id": "3000000012232", "quantity": 2}],
                    },
                }
            },
        },
        "parameters": [
            header_parameter(
                "Idempotency-Key",
                "The caller's own name for a single request, instead of the field `idempotency_key`.",
                "shop-7-000123",
                KEY_PATTERN,
            ),
            header_parameter(
                "Prefer", "Wait up to this number of seconds for the outcome, at most 30.", "wait=10"
            ),
        ],
    },
}


_OF_ORDER: Final[dict[int | str, JsonObject]] = {
    404: problem("The order does not exist or belongs to another tenant; the latter is known after a wait."),
    412: problem("After a wait: the order has changed since the version in `If-Match`."),
}
_ORDER_AFTER: Final = response(
    f"`Prefer: wait`: the order. {FOR_READERS}", ORDER_OR_OUTCOME, ETag=ETAG, Preference_Applied=WAITED
)

UPDATE_ORDER: Final = request(
    {"$ref": REF.format(model="OrderPatch")},
    {"buyer": {"email": "sam@example.org"}, "shipping": "4.00", "reference": None},
    _OF_ORDER | {200: _ORDER_AFTER},
    parameters=[IF_MATCH],
    media_types=("application/merge-patch+json", "application/json"),
)
CANCEL_ORDER: Final = request(
    reference(CancelRequest),
    {"reason": "cannot come", "lines": [{"line_number": 1, "quantity": 1}]},
    _OF_ORDER | {200: _ORDER_AFTER},
    parameters=[IF_MATCH],
    is_required=False,
)
RECORD_PAYMENT: Final = request(
    reference(PaymentRecord),
    {"type": "cash", "amount": "45.50", "reference": "till 3"},
    _OF_ORDER
    | {
        200: response(
            "`Prefer: wait` and a `payment_number`: the order.",
            ORDER_OR_OUTCOME,
            ETag=ETAG,
            Preference_Applied=WAITED,
        ),
        201: response(
            "`Prefer: wait`: the order, with the new payment.",
            ORDER_OR_OUTCOME,
            Location="The order's path.",
            ETag=ETAG,
            Preference_Applied=WAITED,
        ),
    },
    parameters=[IF_MATCH],
)
SHOW_HISTORY: Final[JsonObject] = {
    "responses": NEEDS_KEY | NOT_FOUND | {200: response("The history.", reference(OrderHistory))}
}
SHOW_ORDER: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | NOT_FOUND
    | {
        200: response("The order.", reference(Order), ETag=ETAG),
        304: {"description": "The order still has the version in `If-None-Match`."},
    },
    "openapi_extra": {
        "parameters": [header_parameter("If-None-Match", "The entity tag of a known version.", '"1"')]
    },
}
LIST_ORDERS: Final[JsonObject] = {
    "responses": NEEDS_KEY
    | {
        200: response("A page of orders.", reference(OrderPage)),
        400: problem("The cursor is not from a page."),
        422: problem("A parameter is malformed."),
    },
    "openapi_extra": MAY_BE_STALE,
}
