"""Substitutes for characters that none of the fonts has: their plain form if they have one, else a box."""

from collections.abc import Iterable, Mapping
from typing import Final
from unicodedata import normalize

from intake.documents.drawing.typefaces import is_known

BOX: Final = "□"

# Invisible characters (Default_Ignorable_Code_Point) that `clean` does not remove.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


def substitutes_for(letters: Iterable[str]) -> Mapping[int, str]:
    """Return the substitutes of the characters that no font has, for `str.translate`."""
    return {ord(letter): _substitute_for(letter) for letter in letters if not is_known(letter)}


def _substitute_for(letter: str) -> str:
    if letter in _INVISIBLE:
        return ""
    # 𝓐 is an A in another style (a compatibility decomposition): the name reads the same.
    plain = normalize("NFKC", letter)
    return plain if plain != letter and all(map(is_known, plain)) else BOX
