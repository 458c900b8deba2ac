"""The journal of a batch: changes are undone and summed up, and what a batch made is freed with it."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from orders.journal import Journal, RowDiff, Table
from orders.rows import HoldRow, OrderRow
from orders.world import World
from tests.factories import load, make_change, make_event, make_request, place, run


class Row:
    """A row that can be watched; those of the tables are tuples, which cannot."""


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keep the collector of cycles from freeing anything."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("is_all_new", [False, True])
def test_rows_are_freed_with_their_batch(is_all_new: bool) -> None:
    journal = Journal()
    table: Table[str, Row] = Table("rows", journal, is_all_new=is_all_new)
    for key in ("kept", "removed"):
        table.put(key, Row())
    freed = [weakref.ref(table[key]) for key in ("kept", "removed")]
    table.remove("removed")
    journal.undo(1)
    journal.net()
    del journal, table
    assert [row() for row in freed] == [None, None]


@pytest.mark.usefixtures("no_collection")
def test_a_world_is_freed_with_its_batch() -> None:
    world = World()
    row = Row()
    world.offers = {"tenant": row}  # type: ignore[dict-item]
    world.holds.put("hold", row)  # type: ignore[arg-type]
    freed = weakref.ref(row)
    del world, row
    assert freed() is None


def test_a_processed_batch_leaves_no_row(engine: Engine) -> None:
    load(engine, make_event())
    order_id = str(place(engine))
    gc.collect()
    gc.disable()
    try:
        run(engine, make_request(), make_change("orders.cancel", order_id=order_id))
        left = [one for one in gc.get_objects() if isinstance(one, OrderRow)]
    finally:
        gc.enable()
    assert left == []


def test_undone_changes_leave_no_trace_and_others_stay() -> None:
    world = World()
    first, second = _hold("first"), _hold("second")
    world.holds.put("kept", first)
    mark = world.journal.mark()
    world.holds.put("kept", second)
    world.holds.put("new", second)
    world.holds.remove("kept")
    world.journal.undo(mark)
    assert dict(world.holds.items()) == {"kept": first}
    assert world.journal.net() == {"holds": [RowDiff("kept", None, first)]}


def _hold(id_: str) -> HoldRow:
    return HoldRow(id_, *[None] * (len(HoldRow._fields) - 1))  # type: ignore[arg-type]
