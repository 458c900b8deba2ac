"""What a PUT sends as an update: its body, compared with the stored order."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from anyio import to_thread
from fastapi import Request
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from db.tables import requests
from intake.auth.keys import Caller
from intake.parts import parts_of
from intake.reads.one_moment import at_one_moment
from intake.web.problems import Problem, unavailable
from intake.web.strict_json import parse_json
from orders.reading.background import with_background
from orders.reading.catalogue_facts import read_classes
from orders.reading.order_reading import get_order
from orders.reading.recorded_changes import changes_since
from orders.reading.safe_rendering import showing
from orders.render import to_json
from schemas.background import Background
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.text import is_storable
from vendors import acme
from vendors.acme import DIALECT
from vendors.dialect import NotTranslatable


@dataclass(frozen=True, slots=True)
class PutChanges:
    """The body of a PUT without computed fields, and the version of the order that was read, if any."""

    changes: JsonObject
    version: int | None = None


async def changes_of_put(
    request: Request, caller: Caller, order_id: str, body: JsonObject, *, key: str | None
) -> PutChanges:
    """Return an order object compared with the order as it is, or before the request with this key.

    Raises `Problem`: 422 with the fields that cannot be changed; 503 if the order cannot be read and the
    object has fields that must be compared with it.
    """
    try:
        return await to_thread.run_sync(_compare, request, caller, UUID(order_id), body, key)
    except NotTranslatable as error:
        raise Problem(422, str(error), errors=[one.as_dict() for one in error.rejections]) from error
    except SQLAlchemyError as error:
        if acme.needs_current_order(body):
            raise unavailable("the order cannot be read now; send the same call again") from error
        return PutChanges(body)


def _compare(
    request: Request, caller: Caller, order_id: UUID, body: JsonObject, key: str | None
) -> PutChanges:
    with at_one_moment(parts_of(request.app).engine).connect() as connection:
        found = get_order(connection, order_id, caller.tenant_id)
        if found is None:
            return PutChanges(body)
        with showing(order_id, DIALECT.name):
            (order,), background = with_background(connection, caller.tenant_id, [found], with_originals=True)
            order, background = _as_first_read(connection, order, background, caller, key)
            read = parse_json(to_json(acme.answer(order, background)), is_exact=True)
        background = _with_classes(connection, background, acme.classes_of(body))
    if acme.is_deleted(order):
        return PutChanges(body, order.version)  # it is refused in any case
    names = acme.catalogue_fields(background)
    return PutChanges(acme.without_computed(body, read, acme.related_of_items(order), names), order.version)


def _with_classes(connection: Connection, background: Background, names: set[str]) -> Background:
    """Return the background of the order, with the ticket classes that the PUT names."""
    tenant_id = background.tenant_id
    others = {name for name in names - background.ticket_classes.keys() if is_storable(name)}
    rows = read_classes(connection, {tenant_id: others}).values()
    return replace(
        background,
        events={**background.events, **{row.event_external_id: row.event() for row in rows}},
        ticket_classes={**background.ticket_classes, **{row.external_id: row.ticket_class() for row in rows}},
    )


def _as_first_read(
    connection: Connection, order: Order, background: Background, caller: Caller, key: str | None
) -> tuple[Order, Background]:
    """Return the order before the request with this key first changed it, if it did."""
    if key is None or not is_storable(key):
        return order, background
    named = (requests.c.tenant_id == caller.tenant_id) & (requests.c.idempotency_key == key)
    request_id: Any = connection.scalar(select(requests.c.id).where(named))
    changes = [] if request_id is None else changes_since(connection, order.id, request_id)
    return acme.earlier(order, background, changes) if changes else (order, background)
