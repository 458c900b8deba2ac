"""The answers to calls of Ticket Evolution's dialect: orders, and which of them were refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import Response
from orjson import Fragment
from sqlalchemy import Connection, Engine

from intake.answers import json_response
from intake.order_reading import at_one_moment
from intake.problems import Problem, unavailable
from intake.sending import Answer, AnswerAll, status_url
from orders.reading.background import with_background
from orders.reading.orders import RequestRow, get_orders
from orders.reading.showing import OrderNotShown, show_each
from orders.render import Words, to_json
from vendors import ticket_evolution
from vendors.ticket_evolution.refusals import Layout, in_their_words

_ANOTHER_BODY: Final = "idempotency_conflict"


def rendered(connection: Connection, tenant_id: UUID, orders: Sequence[Words]) -> list[Words]:
    """Return orders of one tenant in the vendor's words."""
    found, background = with_background(connection, tenant_id, orders)
    return [ticket_evolution.answer(order, background) for order in found]


def answering_one(layout: Layout) -> Answer:
    """Return the answer to a call with one order; `layout` is where its lines are in the call."""

    def answer(engine: Engine, outcome: RequestRow) -> Response | None:
        if outcome.status == "rejected":
            raise _refused(outcome, in_their_words(outcome.errors, layout))
        orders = _read(engine, [outcome])
        found = orders.get(outcome.order_id) if outcome.order_id else None
        return None if found is None else json_response({"orders": [found]}, 201)

    return answer


def answering_all(layouts: Sequence[Layout]) -> AnswerAll:
    """Return the answer to a call with several orders: 422 only if none of them was made."""

    def answer(engine: Engine, outcomes: Sequence[RequestRow]) -> Response:
        if all(outcome.status == "rejected" for outcome in outcomes):
            errors = [
                error
                for place, (outcome, layout) in enumerate(zip(outcomes, layouts, strict=True))
                for error in in_their_words(outcome.errors, layout, f"orders.{place}.")
            ]
            raise _refused(outcomes[0], errors)
        orders = _read(engine, outcomes)
        one_of = _renderer(orders)
        return json_response(
            {"orders": [one_of(outcome, layout) for outcome, layout in zip(outcomes, layouts, strict=True)]},
            201,
        )

    return answer


def _renderer(orders: Mapping[UUID, Fragment]) -> Callable[[RequestRow, Layout], Words | Fragment]:
    def render(outcome: RequestRow, layout: Layout) -> Words | Fragment:
        if outcome.status == "rejected":
            return ticket_evolution.rejected(in_their_words(outcome.errors, layout))
        if outcome.order_id is None or outcome.order_id not in orders:
            raise unavailable("an order cannot be read at the moment")
        return orders[outcome.order_id]

    return render


def _read(engine: Engine, outcomes: Sequence[RequestRow]) -> dict[UUID, Fragment]:
    ids = [outcome.order_id for outcome in outcomes if outcome.order_id is not None]
    tenant_id = outcomes[0].tenant_id
    with at_one_moment(engine).connect() as connection:

        def show_all(ids: Sequence[UUID]) -> list[tuple[UUID, Fragment]]:
            found = get_orders(connection, ids, tenant_id)
            words = rendered(connection, tenant_id, list(found.values()))
            return [(id_, Fragment(to_json(one))) for id_, one in zip(found, words, strict=True)]

        shown = show_each(ids, ticket_evolution.DIALECT.name, show_all)
    if shown.left_out:
        raise OrderNotShown(shown.left_out[0])
    return dict(shown.items)


def _refused(outcome: RequestRow, errors: Sequence[Mapping[str, Any]]) -> Problem:
    is_conflict = any(error["code"] == _ANOTHER_BODY for error in errors)
    return Problem(
        409 if is_conflict else 422,
        "; ".join(str(error["message"]) for error in errors),
        errors=errors,
        instance=status_url(outcome.request_id),
    )
