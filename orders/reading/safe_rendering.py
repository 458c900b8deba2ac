"""Rendering stored orders so that one that cannot be shown does not break a whole list.

A list is rendered as a whole. Only if that fails, it is rendered in halves, down to the order that fails.
That order is logged and counted, and named in the list as left out.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from orjson import Fragment
from sqlalchemy.exc import DataError, SQLAlchemyError

from orders.render import to_json
from schemas.json import JsonObject
from worker.runtime.metrics import NOT_SHOWN

log = logging.getLogger(__name__)

T = TypeVar("T")

_FRAMES: Final = 6


class OrderNotShown(Exception):
    """The order is stored, but cannot be rendered in this dialect."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"order {order_id} cannot be shown")
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """The rendered orders of a list, in order, and the ids of those left out."""

    items: list[T]
    left_out: list[UUID]


def show_each(ids: Sequence[UUID], dialect: str, show: Callable[[Sequence[UUID]], list[T]]) -> Shown[T]:
    """Return these orders rendered by `show`, without those for which it fails.

    `dialect` is for the log and the metric. Failures of the database are raised.
    """
    try:
        return Shown(show(ids), [])
    except Exception as error:
        if is_of_the_database(error):
            raise
        if len(ids) == 1:
            _note(ids[0], dialect, error)
            return Shown([], list(ids))
    middle = len(ids) // 2
    first, second = (show_each(half, dialect, show) for half in (ids[:middle], ids[middle:]))
    return Shown(first.items + second.items, first.left_out + second.left_out)


@contextmanager
def showing(order_id: UUID, dialect: str) -> Iterator[None]:
    """Render one order in the block. Raises `OrderNotShown` if that fails, or the database's failure."""
    try:
        yield
    except Exception as error:
        if is_of_the_database(error):
            raise
        _note(order_id, dialect, error)
        raise OrderNotShown(order_id) from error


def as_json(orders: Sequence[JsonObject]) -> list[Fragment]:
    """Return orders as a part of a JSON list, separated by commas: `show_each` joins the parts.

    Encoding here allows an order that cannot be encoded as JSON to be left out.
    """
    return [Fragment(to_json(orders)[1:-1])] if orders else []


def is_of_the_database(error: Exception) -> bool:
    """Return whether the database failed, rather than the stored data."""
    # A value that the driver cannot read, such as a time beyond Python's years, is stored data.
    return isinstance(error, SQLAlchemyError) and not isinstance(error, DataError)


def _note(order_id: UUID, dialect: str, error: Exception) -> None:
    NOT_SHOWN.labels(dialect).inc()
    # By type and place: the message might quote a buyer's name.
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES:]
    log.error(
        "an order cannot be shown",
        extra={
            "order_id": str(order_id),
            "dialect": dialect,
            "error": type(error).__name__,
            "where": "".join(frames),
        },
    )
