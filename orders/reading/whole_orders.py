"""Whole orders in the words of the wire, for all who read them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from orders.read_rows import read_orders
from schemas.json import JsonObject

_TRADE_IDS = ("order_group_id", "substitutes_id", "counterpart_id")


def read_words(connection: Connection, ids: Sequence[Any]) -> list[JsonObject]:
    """Return those of the orders that exist, in the order of the ids; ids in them are UUIDs.

    A constant number of statements, however many they are.
    """
    return [_with_uuids(state.words()) for state in read_orders(connection, ids)]


def _with_uuids(words: JsonObject) -> JsonObject:
    words["id"] = UUID(words["id"])
    for ticket in words["tickets"]:
        ticket["id"] = UUID(ticket["id"])
    if words["trade"] is not None:
        for name in _TRADE_IDS:
            words["trade"][name] = words["trade"][name] and UUID(words["trade"][name])
    return words
