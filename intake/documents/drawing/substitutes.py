"""What is drawn for letters that no font here has: their plain form where there is one, else a box."""

from collections.abc import Iterable, Mapping
from typing import Final
from unicodedata import normalize

from intake.documents.drawing.typefaces import is_known

BOX: Final = "□"

# Letters and marks that nobody sees (Default_Ignorable_Code_Point), beside those that `clean` takes out.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


def substitutes_for(letters: Iterable[str]) -> Mapping[int, str]:
    """Return what is drawn instead of those letters that no font has, for `str.translate`."""
    return {ord(letter): _instead_of(letter) for letter in letters if not is_known(letter)}


def _instead_of(letter: str) -> str:
    if letter in _UNSEEN:
        return ""
    # 𝓐 is an A of another look (a compatibility decomposition): who reads it reads the same name.
    plain = normalize("NFKC", letter)
    return plain if plain != letter and all(map(is_known, plain)) else BOX
