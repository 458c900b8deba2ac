"""A name in any script of Unicode loses no letter: each is drawn, in its plain form or as a box at worst."""

from pathlib import Path
from unicodedata import category

import pypdfium2
import pytest
from fontTools.unicodedata import Blocks
from PIL import Image

from intake.documents.drawing.facts import EventText, TicketText
from intake.documents.drawing.passes import pass_of
from intake.documents.drawing.sheet import Sheet
from intake.documents.drawing.substitutes import BOX, substitutes_for
from intake.documents.drawing.wording import clean

_CELL = 16.0  # millimetres
_SCALE = 2.0


def _name_in(block: int) -> str:
    """Return some letters of the block, or what it has instead of letters."""
    first = Blocks.RANGES[block]
    end = Blocks.RANGES[block + 1] if block + 1 < len(Blocks.RANGES) else 0x110000
    points = [point for point in range(first, end) if not 0xD800 <= point < 0xE000]
    for wanted in ("L", "NSP", "M", ""):
        found = [chr(one) for one in points if not wanted or category(chr(one))[0] in wanted]
        seen = [one for one in found if clean(one) and one not in "\u115f\u1160\u3164\uffa0\u180e"]
        if seen:
            # From all over the block: fonts often have its beginning only.
            return "".join(dict.fromkeys(seen[place * (len(seen) - 1) // 5] for place in range(6)))
    return ""


NAMES = {
    f"{name} at {Blocks.RANGES[place]:x}": _name_in(place)
    for place, name in enumerate(Blocks.VALUES)
    if _name_in(place)
}
REPORTED = {
    "mathematical": "𝓐𝓭𝓪",
    "Cherokee": "ᏣᎳᎩ",
    "Tifinagh": "ⵜⵉⴼⵉⵏⴰⵖ",
    "N'Ko": "ߒߞߏ",
}


def test_the_names_are_of_every_block() -> None:
    assert {"CHEROKEE", "TIFINAGH", "NKO", "ADLAM"} <= {name.split(" at ")[0].upper() for name in NAMES}
    assert len(NAMES) > 300


@pytest.mark.parametrize("name", [*REPORTED.values(), *NAMES.values()], ids=[*REPORTED, *NAMES])
def test_each_letter_of_a_name_is_seen(name: str, tmp_path: Path) -> None:
    shown = clean(name)
    sheet = Sheet(frozenset(shown), (), "Names", directory=tmp_path)
    sheet.add_page()
    for place, letter in enumerate(shown):
        sheet.put(_alone(letter), x=10, y=10 + place * _CELL, width=100, size=18)
    sheet.add_page()
    sheet.put("l", x=10, y=10, width=100, size=18)

    with pypdfium2.PdfDocument(sheet.finished()) as document:
        page, other = (one.render(scale=_SCALE).to_pil().convert("L") for one in document)
    bare = _ink(_cell(other, 0))
    for place, letter in enumerate(shown):
        ink = _ink(_cell(page, place))
        assert ink > (bare if len(_alone(letter)) > 1 else 0), f"U+{ord(letter):04X} is not drawn"


def _alone(letter: str) -> str:
    """Return the letter; one that may be a mark, which has no place of its own, behind another letter."""
    return letter if category(letter)[0] in "LNS" else f"l{letter}"


def _cell(page: Image.Image, place: int) -> Image.Image:
    unit = _SCALE * 72 / 25.4
    top = (10 + place * _CELL) * unit
    return page.crop((0, round(top - 3 * unit), page.width, round(top + (_CELL - 3) * unit)))


def _ink(picture: Image.Image) -> int:
    """Return how dark the picture is in all."""
    return sum(255 - value for value in picture.tobytes())


@pytest.mark.parametrize("name", [*REPORTED.values(), *NAMES.values()], ids=[*REPORTED, *NAMES])
def test_a_pass_has_the_name_as_it_was_sent(name: str) -> None:
    event = EventText("E", "Sunday", "19:00", "UTC", "", "")
    ticket = TicketText("1", event, "Stalls", (), clean(name), "valid", "", "", "X")

    page = pass_of(ticket)

    # The phone has fonts of its own, and shows a box itself where they lack a letter.
    assert clean(name).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") in page


@pytest.mark.parametrize("mark", ["\u0652", "\u0301", "\u0940", "\u20dd"])
def test_a_mark_without_a_letter_is_seen(mark: str, tmp_path: Path) -> None:
    sheet = Sheet(frozenset(mark), (), "Names", directory=tmp_path)
    sheet.add_page()
    sheet.put(mark, x=10, y=10, width=100, size=18)

    with pypdfium2.PdfDocument(sheet.finished()) as document:
        assert _ink(document[0].render(scale=_SCALE).to_pil().convert("L"))


def test_a_letter_of_another_look_is_drawn_as_the_letter_that_it_is() -> None:
    assert "Sam 𝓐𝓭𝓪".translate(substitutes_for("Sam 𝓐𝓭𝓪")) == "Sam Ada"
    assert "ⵜⵉ".translate(substitutes_for("ⵜⵉ")) == BOX * 2
    assert substitutes_for("Łukasz محمد 王 😀") == {}


def test_marks_that_nobody_sees_are_no_boxes() -> None:
    assert "ᠮ᠋".translate(substitutes_for("ᠮ᠋")) == BOX


def test_marks_around_digits_are_seen() -> None:
    assert clean("\u0600\u0661\u06dd") == "\u0600\u0661\u06dd"
