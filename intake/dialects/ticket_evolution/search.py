"""The parameters of `GET /v9/orders` (Orders / Index, and Pagination in the vendor's overview)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from fastapi import Request
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from db.tables import MAX_NUMBER
from intake.auth.keys import Caller
from intake.web.problems import Problem
from orders.reading.order_pages import Comparison, Moment, OrderSearch, Stage
from schemas.outcomes import Rejection
from schemas.text import is_storable
from vendors.leniency import whole_text
from vendors.ticket_evolution.states import State

MOST: Final = 100
"""Orders on a page."""

_STAGES: Final[Mapping[str, Stage]] = {
    "canceled": "cancelled",
    "open": "in_review",
    "pending_substitution": "without_tickets",
    "completed": "used",
    "accepted": "confirmed",
}
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_LAST_PAGE: Final = 10**9


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of the list, and the page; the first page is 1."""

    search: OrderSearch
    page: int
    per_page: int


class _Wrong(Exception):
    """The value of a parameter is invalid; the message says what is valid."""


def wanted_orders(request: Request, caller: Caller) -> Wanted:
    """Return the search in a call, whose parameters are all in `PARAMETERS`.

    Raises `Problem` with the status 422, by the names of the parameters.
    """
    given = {name: value for name, value in request.query_params.multi_items() if value != ""}
    mistakes: list[Rejection] = []
    found: dict[str, Any] = {}
    moments: list[Moment] = []
    for name, value in given.items():
        try:
            moment = _moment(name, value)
            if moment is not None:
                moments.append(moment)
            else:
                field, read = _PARAMETERS[name]
                found[field] = read(value)
        except _Wrong as error:
            mistakes.append(Rejection("invalid", name, str(error)))
    if mistakes:
        raise Problem(422, str(mistakes[0].message), errors=[one.as_dict() for one in mistakes[:20]])
    page, per_page = found.pop("page", 1), min(found.pop("per_page", MOST), MOST)
    seller = found.get("seller_id")
    is_own = seller is not None and caller.is_called(seller, "ticket_evolution")
    return Wanted(OrderSearch(caller.tenant_id, **found, is_own_sale=is_own, moments=moments), page, per_page)


def _moment(name: str, value: str) -> Moment | None:
    column, _, how = name.partition(".")
    if column not in ("created_at", "updated_at"):
        return None
    comparison: Any = how or "eq"
    try:
        # A + that was not escaped came as a space.
        moment = _MOMENT.validate_strings(value.replace(" ", "+"))
    except ValidationError as error:
        raise _Wrong("must be a time with its offset (ISO 8601), such as 2027-04-11T19:00:00Z") from error
    return ("created_at" if column == "created_at" else "updated_at"), comparison, moment


def _whole(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        number = whole_text(value)
        if not (isinstance(number, int) and 1 <= number <= most):
            raise _Wrong("must be an integer of 1 or more")
        return number

    return read


def _text(value: str) -> str:
    if not is_storable(value):
        raise _Wrong("must be text")
    return value


def _one_of(choices: Mapping[str, Any]) -> Callable[[str], Any]:
    def read(value: str) -> Any:
        if value not in choices:
            raise _Wrong(f"must be one of {', '.join(choices)}")
        return choices[value]

    return read


_PARAMETERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "page": ("page", _whole(_LAST_PAGE)),
    "per_page": ("per_page", _whole(_LAST_PAGE)),
    "id": ("number", _whole(MAX_NUMBER)),
    "order_id": ("number", _whole(MAX_NUMBER)),
    "order_group_id": ("group_number", _whole(MAX_NUMBER)),
    "state": ("stage", _one_of({state: _STAGES.get(state, "none") for state in get_args(State)})),
    "type": ("is_purchase", _one_of({"Order": False, "PurchaseOrder": True})),
    "direct_buyer_type": ("buys_office", _one_of({"Client": False, "Office": True})),
    "seller_id": ("seller_id", _text),
    "buyer_id": ("buyer_id", _text),
    "reference": ("reference", _text),
}

_MOMENTS: Final = tuple(
    f"{column}{how}"
    for column in ("created_at", "updated_at")
    for how in ("", *(f".{comparison}" for comparison in get_args(Comparison)))
)

PARAMETERS: Final[tuple[dict[str, Any], ...]] = tuple(
    {
        "name": name,
        "in": "query",
        "description": f"As {name} in Orders / Index.",
        "schema": {"type": "string"},
    }
    for name in (*_PARAMETERS, *_MOMENTS)
)
"""The parameters on the OpenAPI page."""
