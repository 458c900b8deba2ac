"""Which seats are given: those that were wished for, or neighbours with no single gap beside them."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.errors import SeatUnavailable
from orders.inventory.seating import Seat, SeatMap, labels_from, wished_labels


def _seats(*positions: int) -> list[Seat]:
    return [Seat(f"id-{position}", str(position), position) for position in positions]


def _labels(seats: Sequence[Seat]) -> list[str]:
    return [seat.label for seat in seats]


def _lengths(positions: Sequence[int]) -> list[int]:
    """Return how many neighbours there are, run by run."""
    lengths: list[int] = []
    for place, position in enumerate(positions):
        if place and positions[place - 1] == position - 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


free_positions = st.sets(st.integers(0, 40)).map(sorted)


@pytest.mark.parametrize(
    ("free", "count", "chosen"),
    [
        ([1, 2, 3, 4, 5], 2, ["1", "2"]),
        # An exact fit leaves no gap at all.
        ([1, 2, 3, 4, 5, 7, 8], 2, ["7", "8"]),
        # Of three, two would leave one alone; of four, two are left.
        ([1, 2, 3, 5, 6, 7, 8], 2, ["5", "6"]),
        ([1, 2, 3], 2, ["1", "2"]),
        # No neighbours: as few groups as possible.
        ([1, 3, 4, 6, 7, 8], 4, ["3", "6", "7", "8"]),
        ([8, 6, 7], 3, ["6", "7", "8"]),
    ],
)
def test_neighbours_are_chosen_and_no_single_seat_is_left_where_it_can_be(
    free: list[int], count: int, chosen: list[str]
) -> None:
    assert _labels(SeatMap(_seats(*free)).choose(count)) == chosen


@given(free_positions, st.integers(1, 6))
def test_who_can_sit_together_does(free: list[int], count: int) -> None:
    chosen = [seat.position for seat in SeatMap(_seats(*free)).choose(count)]
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(free)
    assert len(chosen) == min(count, len(free))
    if any(length >= count for length in _lengths(free)):
        assert _lengths(chosen) == [count]


@given(free_positions, st.integers(1, 6))
def test_a_single_gap_is_left_only_where_every_choice_leaves_one(free: list[int], count: int) -> None:
    lengths = _lengths(free)
    can_be_avoided = any(length == count or length >= count + 2 for length in lengths)
    seat_map = SeatMap(_seats(*free))
    seat_map = seat_map.without(seat_map.choose(count))
    left = _lengths([seat.position for seat in seat_map.free])
    if can_be_avoided:
        assert left.count(1) <= lengths.count(1)


@given(free_positions, st.data())
def test_what_is_taken_and_given_back_is_as_before(free: list[int], data: st.DataObject) -> None:
    seat_map = SeatMap(_seats(*free))
    before = seat_map
    free_before = _labels(before.free)
    taken: list[list[Seat]] = []
    for _ in range(data.draw(st.integers(1, 4))):
        left = seat_map.free
        if data.draw(st.booleans()) or not left:
            seats = seat_map.choose(data.draw(st.integers(1, 5)))
        else:
            seats = data.draw(st.lists(st.sampled_from(left), unique=True))
        seat_map = seat_map.without(seats)
        taken.append(seats)
        assert not set(seats) & set(seat_map.free)
    gone = [seat for seats in taken for seat in seats]
    assert sorted(_labels([*gone, *seat_map.free])) == sorted(map(str, free))
    for seats in data.draw(st.permutations(taken)):
        seat_map = seat_map.with_free(seats)
    assert _labels(seat_map.free) == free_before
    assert [_labels(seat_map.choose(count)) for count in range(1, 7)] == [
        _labels(before.choose(count)) for count in range(1, 7)
    ]
    assert _labels(before.free) == free_before  # a map never changes


@pytest.mark.parametrize(
    ("free", "count", "chosen"),
    [
        ([1, 2, 3, 4, 5], 3, ["1", "3", "5"]),
        ([2, 3, 4, 6, 9], 3, ["2", "4", "6"]),
        # An exact fit, and no single seat left behind: as among neighbours.
        ([1, 3, 5, 9, 11], 2, ["9", "11"]),
        # None go on by two: as close together as it can be.
        ([1, 5, 9, 2, 6, 8], 2, ["6", "8"]),
        ([1, 5, 2, 20], 2, ["1", "5"]),
    ],
)
def test_odd_or_even_seats_are_chosen(free: list[int], count: int, chosen: list[str]) -> None:
    assert _labels(SeatMap(_seats(*free)).choose_alike(count, "seat_order")) == chosen


@given(free_positions, st.integers(1, 6))
def test_all_are_odd_or_all_are_even_wherever_enough_are_free(free: list[int], count: int) -> None:
    enough = [parity for parity in (0, 1) if sum(seat % 2 == parity for seat in free) >= count]
    seat_map = SeatMap([*_seats(*free), Seat("id-w", "W", 99)])
    if not enough:
        with pytest.raises(SeatUnavailable, match="neither"):
            seat_map.choose_alike(count, "seat_order")
        return
    chosen = [int(label) for label in _labels(seat_map.choose_alike(count, "seat_order"))]
    assert set(chosen) <= set(free)
    assert len(chosen) == count
    assert len({seat % 2 for seat in chosen}) == 1
    if any(all(first + 2 * step in free for step in range(count)) for first in free):
        assert max(chosen) - min(chosen) == 2 * (count - 1)


def test_named_seats_come_in_the_order_of_their_names() -> None:
    assert _labels(SeatMap(_seats(1, 2, 3, 4)).named(["4", "2"], "seats")) == ["4", "2"]


def test_seats_that_are_not_free_are_all_named() -> None:
    with pytest.raises(SeatUnavailable) as caught:
        SeatMap(_seats(1, 2, 3)).named(["2", "9", "x"], "line_items.0.seats")
    rejection = caught.value.rejection
    assert (rejection.code, rejection.field) == ("seat_unavailable", "line_items.0.seats")
    assert rejection.message == "not free: seat 9, x"


@pytest.mark.parametrize(
    ("low_seat", "seat_order", "count", "labels"),
    [
        ("4", "consecutive", 3, ["4", "5", "6"]),
        ("4", "odd_even", 3, ["4", "6", "8"]),
        ("3", "odd_even", 3, ["3", "5", "7"]),
        ("A", "consecutive", 1, ["A"]),
    ],
)
def test_the_lowest_seat_says_the_others(
    low_seat: str, seat_order: Any, count: int, labels: list[str]
) -> None:
    assert labels_from(low_seat, seat_order, count) == labels


def test_a_seat_that_is_no_number_has_no_next_one() -> None:
    first, *others = labels_from("A", "consecutive", 3)
    assert first == "A"
    assert len(set(others)) == 2
    assert not any(label.isdigit() for label in others)


def test_names_go_before_the_lowest_seat() -> None:
    wish = SimpleNamespace(seats=("7",), low_seat="1", seat_order="consecutive")
    assert wished_labels(wish, 1) == ["7"]
    assert wished_labels(SimpleNamespace(seats=(), low_seat=None, seat_order="consecutive"), 2) == []
