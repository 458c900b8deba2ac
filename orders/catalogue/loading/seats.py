"""Changes of a ticket class's seats: which are added, removed and moved.

Only the order of positions matters, and which are consecutive: the positions of a class may start at any
number. So a seat that is added in front of 9,000 others moves none of them. If seats have to move, all of the
class move to unused positions: they do not collide, and several transactions can move them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from db import tables
from db.bulk import array, insert_rows
from db.ids import new_ids
from orders.catalogue.loading.read import StoredSeat
from orders.rows import NewSeatRow

_HIGHEST: Final = 2**30
"""Half of the maximum position: from here on seats move down again, below the lowest."""

_GAP: Final = 2
"""The gap between positions before and after a move, so that moved and unmoved seats are never adjacent."""

_REMOVE: Final = text("""
    UPDATE seats SET position = NULL WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT is_taken RETURNING id::text
""")

_MOVE: Final = text("""
    UPDATE seats SET position = moved.position
    FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS int[])) AS moved (id, position)
    WHERE seats.id = moved.id
""")


class SeatChanges(NamedTuple):
    """The seats of a class to write: removed, moved, restored and new ones."""

    gone: Sequence[StoredSeat] = ()
    moved: Sequence[tuple[str, int]] = ()
    """Ids and positions."""
    back: Sequence[tuple[str, int]] = ()
    """Of restored seats."""
    new: Sequence[tuple[int, str]] = ()
    """Positions and labels."""

    @property
    def rows(self) -> int:
        """Return the number of rows to write."""
        return sum(map(len, self))

    @property
    def more(self) -> int:
        """Return the number of added seats less removed ones."""
        return len(self.new) + len(self.back) - len(self.gone)

    def parts(self, size: int) -> Iterator["SeatChanges"]:
        """Return the changes in parts of at most `size` rows, removals first."""
        for start in range(0, self.rows, size):
            first, last = start, start + size
            fields: list[Any] = []
            for rows in self:
                fields.append(rows[max(first, 0) : max(last, 0)])
                first, last = first - len(rows), last - len(rows)
            yield SeatChanges(*fields)


def compare_seats(wanted: Sequence[tuple[int, str]], stored: Sequence[StoredSeat]) -> SeatChanges:
    """Return the differences between the file's seats (positions and labels) and the database's."""
    known = {seat.label: seat for seat in stored}
    labels = {label for _, label in wanted}
    gone = [seat for seat in stored if seat.position is not None and seat.label not in labels]
    placed = [
        (known[label], position)
        for position, label in wanted
        if label in known and known[label].position is not None
    ]
    start, moves = _start(placed, stored, len(wanted))
    return SeatChanges(
        gone,
        [(seat.id, start + position) for seat, position in placed] if moves else (),
        [
            (known[label].id, start + position)
            for position, label in wanted
            if label in known and known[label].position is None
        ],
        [(start + position, label) for position, label in wanted if label not in known],
    )


def _start(
    placed: Sequence[tuple[StoredSeat, int]], stored: Sequence[StoredSeat], count: int
) -> tuple[int, bool]:
    """Return the first position of the class, and whether its seats move."""
    starts = Counter(seat.position - position for seat, position in placed if seat.position is not None)
    if len(starts) <= 1:
        return next(iter(starts), 0), False
    positions = [seat.position for seat in stored if seat.position is not None]
    if max(positions) < _HIGHEST:
        return max(positions) + _GAP, True
    # With odd and even apart, the last position is one after their number.
    return min(positions) - count - _GAP, True


def taken_labels(gone: Iterable[StoredSeat]) -> list[str]:
    """Return the labels of the seats that are sold or held."""
    return [seat.label for seat in gone if seat.is_taken]


def remove_seats(connection: Connection, gone: Sequence[StoredSeat]) -> set[str]:
    """Remove these seats; return the ids of those that were sold or held in between, and stay."""
    if not gone:
        return set()
    ids = {seat.id for seat in gone}
    return ids - set(connection.scalars(_REMOVE, {"ids": array(ids)}))


def write_seats(connection: Connection, changes: Iterable[tuple[str, SeatChanges]]) -> None:
    """Write moved, restored and new seats of ticket classes, by the classes' ids."""
    found = list(changes)
    placed = [place for _, one in found for place in (*one.moved, *one.back)]
    if placed:
        ids, positions = zip(*placed, strict=True)
        connection.execute(_MOVE, {"ids": array(ids), "positions": array(positions)})
    insert_seats(connection, ((class_id, one.new) for class_id, one in found))


def insert_seats(connection: Connection, seats: Iterable[tuple[str, Sequence[tuple[int, str]]]]) -> None:
    """Insert new seats (positions and labels) of ticket classes, by the classes' ids."""
    places = [(class_id, position, label) for class_id, new in seats for position, label in new]
    rows = [NewSeatRow(id_, *place) for id_, place in zip(new_ids(len(places)), places, strict=True)]
    insert_rows(connection, tables.seats, NewSeatRow._fields, rows)
