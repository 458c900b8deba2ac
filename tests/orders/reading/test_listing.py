"""The pages of a listing against the listing that a sort of everything gives."""

import random
from array import array
from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.reading.listing import BLOCK, Entry, Key, Listing, ListingSnapshot


def snapshot_of(keys: Sequence[Key]) -> ListingSnapshot:
    ordered = sorted(keys)
    by_id = sorted(range(len(ordered)), key=lambda place: ordered[place][2])
    return ListingSnapshot(b"".join(key[2] for key in ordered), ordered[::BLOCK], array("i", by_id))


def key_of(number: int, name: str) -> Key:
    return (name, "", UUID(int=number).bytes)


def read(listing: Listing, keys: dict[bytes, Key], rows: int) -> list[UUID]:
    def keys_of(ids: Sequence[bytes]) -> Iterable[Key]:
        return [keys[id_] for id_ in ids]

    starts = range(0, len(listing) + rows, rows)
    return [id_ for start in starts for id_ in listing.page(start, start + rows, keys_of)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3 * BLOCK + 2), st.integers(0, 600), st.integers(1, 100), st.integers())
def test_pages_are_those_of_all_that_is_listed_now(before: int, changes: int, rows: int, seed: int) -> None:
    choice = random.Random(seed)
    then = {number: key_of(number, choice.choice("abc")) for number in range(before)}
    now = dict(then)
    changed = []
    for number in choice.sample(range(2 * before + 600), changes):
        now[number] = key_of(number, choice.choice("abcd"))
        changed.append(Entry(now[number], is_listed=choice.random() < 0.8))
    gone = {entry.key[2] for entry in changed if not entry.is_listed}

    listing = Listing(snapshot_of(list(then.values())), changed)

    expected = sorted(key for key in now.values() if key[2] not in gone)
    assert len(listing) == len(expected)
    keys = {key[2]: then.get(number, key) for number, key in now.items()}
    assert read(listing, keys, rows) == [UUID(bytes=key[2]) for key in expected]


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 2 * BLOCK])
def test_an_id_is_found_at_its_place(place: int) -> None:
    snapshot = snapshot_of([key_of(number, "") for number in range(2 * BLOCK + 1)])

    assert snapshot.place_of(UUID(int=place).bytes) == place
    assert snapshot.place_of(UUID(int=10**9).bytes) is None


def test_positions_outside_are_empty() -> None:
    listing = Listing(ListingSnapshot(b"", ()), ())

    assert len(listing) == 0
    assert listing.page(0, 20, lambda _: []) == []
    assert listing.page(-5, 0, lambda _: []) == []
