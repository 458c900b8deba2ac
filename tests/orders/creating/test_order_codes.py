"""Order codes: short, readable aloud, and never two alike."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.creating.order_codes import order_code

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBERS = 2**40
numbers = st.integers(1, NUMBERS - 1)


def value_of(code: str) -> int:
    """Read a code as a number written in Crockford's base 32."""
    value = 0
    for letter in code:
        value = value * 32 + CROCKFORD.index(letter)
    return value


@settings(deadline=None, max_examples=200)
@given(numbers)
def test_a_code_is_eight_letters_of_crockfords_alphabet(number: int) -> None:
    code = order_code(number)

    assert len(code) == 8
    assert set(code) <= set(CROCKFORD)
    assert not set(code) & set("ILOU")


def test_the_first_and_the_last_number_have_codes() -> None:
    assert len({order_code(1), order_code(NUMBERS - 1)}) == 2


def test_a_hundred_thousand_orders_have_a_hundred_thousand_codes() -> None:
    assert len({order_code(number) for number in range(1, 100_001)}) == 100_000


@settings(deadline=None, max_examples=200)
@given(numbers)
def test_no_two_numbers_share_a_code(number: int) -> None:
    # Steps of an odd size through 2^40 values come back to the first one after all of them.
    step = value_of(order_code(2)) - value_of(order_code(1))

    assert step % 2 == 1
    assert value_of(order_code(number)) == (value_of(order_code(1)) + (number - 1) * step) % NUMBERS


def test_neighbours_do_not_look_alike() -> None:
    for number in range(1, 1_001):
        one, next_one = order_code(number), order_code(number + 1)
        assert sum(a != b for a, b in zip(one, next_one, strict=True)) >= 4, (one, next_one)


def test_a_number_keeps_its_code_for_ever() -> None:
    assert [order_code(number) for number in (1, 2, NUMBERS - 1)] == [
        "QXF3ERM2",
        "F3ER3QMQ",
        "9HFT4TJR",
    ]
