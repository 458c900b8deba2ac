"""Words of requests at random, for lives of orders."""

from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from schemas.json import JsonObject
from tests.orders.lives.life_terms import CLASSES, FEES, money

numbers = st.integers(0, 1_000)


small_money = st.integers(0, 700).map(money)


names = st.sampled_from(["Ada", "Bob", "Cyd"])


class_names = st.sampled_from(sorted(CLASSES))


seat_lists = st.lists(st.sampled_from([*"123456789", "99"]), min_size=1, max_size=3)


fees = st.dictionaries(st.sampled_from([*FEES, "discount", "tax"]), small_money, max_size=2)


# What an update expects: nothing, what is there, or another version, counted from what is there.
versions = st.sampled_from([None] * 7 + [0, 0, -1, 1, 2])


minutes = st.one_of(st.none(), st.integers(1, 8))


promo_codes = st.sampled_from([None, None, "TEN", "FIVE"])


lately = st.sampled_from([False] * 7 + [True])


class Sender(NamedTuple):
    """What who sends a change knows of its order, and what its id says of the time."""

    ahead: int | None = None
    """The version that it expects, counted from the one that is there."""
    also: int | None = None
    """Another version that will do, counted likewise."""
    seen: int | None = None
    """How many versions ago it read the order."""
    seconds_old: int = 0
    """How long ago it was accepted; less than nothing where a clock is fast."""
    is_dated: bool = True
    is_late: bool = False


SOMEBODY: Final = Sender()


senders = st.builds(
    Sender,
    ahead=versions,
    also=st.sampled_from([None, None, None, -1, 0, 1]),
    seen=st.sampled_from([None, None, 0, 0, 1, 3]),
    seconds_old=st.sampled_from([0, 0, 0, -2, 2, 40]),
    is_dated=st.sampled_from([True] * 7 + [False]),
    is_late=lately,
)


@st.composite
def items(draw: st.DrawFn, name: str) -> JsonObject:
    """A line item of a class: so many, sometimes at a price, for somebody, on seats."""
    quantity = draw(st.integers(1, 4))
    item: JsonObject = {"ticket_class_id": name, "quantity": quantity}
    if draw(st.booleans()):
        item["unit_price"] = money(draw(st.integers(0, 3_000)))
    if draw(st.booleans()):
        people = draw(st.lists(names | st.none(), max_size=quantity))
        item["attendees"] = [{"first_name": name} if name else {} for name in people]
    if name == "stalls" and draw(st.booleans()):
        item["seats"] = draw(seat_lists)
        item["quantity"] = len(item["seats"])
        item.pop("attendees", None)
    return item


line_lists = st.lists(class_names, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*(items(name) for name in names))
)


def wishes(words: Any) -> bool:
    """Say whether seats are named; the model does not know which seats others of the batch are given."""
    return "'seats'" in repr(words)
