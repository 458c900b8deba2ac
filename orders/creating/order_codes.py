"""An order's short code, for people to read aloud: eight letters of Crockford's base 32.

The alphabet has no I, L, O and U, which look or sound like others. The code is a permutation of the order's
number: two orders never share one, and consecutive orders look different. It is not a secret.
"""

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 8
_MODULUS: Final = 32**_LENGTH
# Odd, hence invertible modulo a power of two: every number has its own code.
_MULTIPLIER: Final = 0x9E3779B97F4A7C15 % _MODULUS
_INVERSE: Final = pow(_MULTIPLIER, -1, _MODULUS)
_OFFSET: Final = 0x5DEECE66D
_MISREAD: Final = str.maketrans("OIL", "011")

# Two letters at a time: fewer steps, for thousands of orders per second.
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)


def order_code(number: int) -> str:
    """Return the code of an order's number, 1 to 2^40 − 1."""
    scrambled = (number * _MULTIPLIER + _OFFSET) % _MODULUS
    high, low = divmod(scrambled, 1 << 20)
    return _PAIRS[high >> 10] + _PAIRS[high & 1023] + _PAIRS[low >> 10] + _PAIRS[low & 1023]


def number_of_code(code: str) -> int | None:
    """Return the number of the order with this code; None if it is not an order's code.

    Read as Crockford does: letters of either case, O as 0, I and L as 1.
    """
    letters = code.upper().translate(_MISREAD)
    if len(letters) != _LENGTH or not set(letters) <= set(_ALPHABET):
        return None
    scrambled = 0
    for letter in letters:
        scrambled = scrambled * 32 + _ALPHABET.index(letter)
    return (scrambled - _OFFSET) * _INVERSE % _MODULUS
