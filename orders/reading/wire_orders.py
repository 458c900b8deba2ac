"""Reading whole orders in wire format."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from orders.read_rows import read_orders
from schemas.json import JsonObject

_TRADE_IDS = ("order_group_id", "substitutes_id", "counterpart_id")


def read_rendered(connection: Connection, ids: Sequence[Any]) -> list[JsonObject]:
    """Return the existing ones of the orders, in the order of the ids; ids in them are UUIDs.

    The number of statements is constant, however many orders are read.
    """
    return [_with_uuids(state.render()) for state in read_orders(connection, ids)]


def _with_uuids(body: JsonObject) -> JsonObject:
    body["id"] = UUID(body["id"])
    for ticket in body["tickets"]:
        ticket["id"] = UUID(ticket["id"])
    if body["trade"] is not None:
        for name in _TRADE_IDS:
            body["trade"][name] = body["trade"][name] and UUID(body["trade"][name])
    return body
