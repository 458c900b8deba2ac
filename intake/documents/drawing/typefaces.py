"""Fonts for any script: which of them a text needs, cut to its letters.

The fonts are Noto (SIL Open Font License 1.1), which two packages bring along. They are variable and
large; what a document embeds is one weight of the letters that it has.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import manimgx_fonts
import manimgx_fonts_cjk
from fontTools.ttLib import TTFont

_NOTO: Final = Path(manimgx_fonts.__file__).parent
_HAN: Final = next(Path(manimgx_fonts_cjk.__file__).parent.glob("*.ttc"))
_LAST: Final = ("notosanssymbols", "notoemoji")
_HAN_FACES: Final = {"JP": 0, "KR": 1, "SC": 2, "TC": 3, "HK": 4}

# One code point, several shapes: without other signs of a name's language, the place decides.
_HAN_OF_ZONE: Final = {
    "Asia/Tokyo": "JP",
    "Asia/Seoul": "KR",
    "Asia/Taipei": "TC",
    "Asia/Hong_Kong": "HK",
    "Asia/Macau": "HK",
}


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font: its file, and which one of it, for a file that holds several."""

    family: str
    path: Path
    number: int = 0

    @property
    def is_han(self) -> bool:
        """Say whether it is the one of Chinese, Japanese and Korean."""
        return self.path == _HAN

    @property
    def joins(self) -> bool:
        """Say whether it is the one of a script whose letters are shaped by their neighbours."""
        return not self.is_han and self != LATIN and not self.family.startswith(_LAST)

    def has(self, letter: str) -> bool:
        """Say whether the font has this letter."""
        return ord(letter) in _coverage(self)


LATIN: Final = Typeface("notosans", _NOTO / "NotoSans[wght].ttf")
"""Latin, Greek and Cyrillic; the font of everything that we say ourselves."""


def typefaces_for(letters: Iterable[str], zones: Iterable[str] = ()) -> list[Typeface]:
    """Return the fonts that these letters need, first of all `LATIN`; a letter that no font has needs none.

    `zones` are the time zones of the events, which decide the shapes of Chinese characters.
    """
    missing = {letter for letter in letters if not LATIN.has(letter)}
    found = [LATIN]
    for typeface in _others(_han_face(missing, zones)):
        had = {letter for letter in missing if typeface.has(letter)}
        if had:
            found.append(typeface)
            missing -= had
        if not missing:
            break
    return found


def is_known(letter: str) -> bool:
    """Say whether any font has the letter."""
    return LATIN.has(letter) or any(typeface.has(letter) for typeface in _others("SC"))


def _han_face(letters: set[str], zones: Iterable[str]) -> str:
    if any("\u3040" <= letter <= "\u30ff" for letter in letters):
        return "JP"
    if any("\uac00" <= letter <= "\ud7a3" for letter in letters):
        return "KR"
    return next((_HAN_OF_ZONE[zone] for zone in zones if zone in _HAN_OF_ZONE), "SC")


@cache
def _others(han_face: str) -> list[Typeface]:
    paths = sorted(path for path in _NOTO.glob("Noto*.ttf") if "Italic" not in path.name)
    others = [Typeface(path.stem.partition("[")[0].lower(), path) for path in paths if path != LATIN.path]
    scripts = [one for one in others if one.joins]
    han = Typeface(f"notosanscjk{han_face.lower()}", _HAN, _HAN_FACES[han_face])
    return [*scripts, han, *(one for one in others if one not in scripts)]


@cache
def _coverage(typeface: Typeface) -> frozenset[int]:
    with TTFont(typeface.path, fontNumber=typeface.number, lazy=True) as font:
        return frozenset(font.getBestCmap())
