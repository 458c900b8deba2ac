"""A PDF to draw on: text of any script that wraps, shrinks and never leaves its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final, Literal
from unicodedata import category

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, PDFResourceType, XPos, YPos

from intake.documents.drawing.font_subset import BOLD, REGULAR, cut
from intake.documents.drawing.substitutes import substitutes_for
from intake.documents.drawing.typefaces import LATIN, Typeface, typefaces_for

MARGIN: Final = 18.0
"""Millimetres, on all sides of an A4 page."""

Align = Literal["L", "R", "C"]
Colour = tuple[int, int, int]
BLACK: Final[Colour] = (17, 24, 39)
GREY: Final[Colour] = (107, 114, 128)
RED: Final[Colour] = (185, 28, 28)
LIGHT: Final[Colour] = (209, 213, 219)

_LEADING: Final = 1.42  # of the size: room for the marks above and below Thai and Devanagari
_SCALES: Final = (1.0, 0.85, 0.72, 0.6)  # of the size that was asked for, until the text fits
_MORE: Final = "…"
_MM: Final = 25.4 / 72
_BASE: Final = "◌"
_OURS: Final = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("–—·…" + _BASE)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Text that was drawn once."""

    operators: bytes
    end: float
    """Where it ends below, in millimetres."""


class Sheet(FPDF):
    """An A4 document whose fonts have the given letters, and nothing else.

    The fonts are files in `directory` until the document is finished.
    """

    def __init__(self, letters: frozenset[str], zones: Iterable[str], title: str, *, directory: Path) -> None:
        super().__init__(format="A4")
        self.str_alias_nb_pages = None  # type: ignore[assignment] # names are not ours to replace {nb} in
        self.set_title(title)
        self.set_creator("Willcall")
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=MARGIN)
        # Most of a ticket's page is that of the one before: text is set once for each place where it stands.
        self._drawn: dict[tuple[Any, ...], _Drawn] = {}
        self._measured: tuple[Any, ...] = ()
        self._measured_width = 0.0
        self._substitutes = substitutes_for(letters)
        letters = frozenset("".join(letters).translate(self._substitutes)) | _OURS
        self._typefaces = typefaces_for(letters, zones)
        for typeface in self._typefaces:
            self._add_typeface(typeface, letters, directory)
        self.set_fallback_fonts([typeface.family for typeface in self._typefaces])
        self.set_text_shaping(use_shaping_engine=True)

    def _add_typeface(self, typeface: Typeface, letters: frozenset[str], directory: Path) -> None:
        for style, weight in (("", REGULAR), ("B", BOLD)):
            file = directory / f"{typeface.family}{weight}.ttf"
            file.write_bytes(cut(typeface, letters, weight))
            self.add_font(typeface.family, style, file)

    def finished(self) -> bytes:
        """Return the PDF, and close the fonts' files."""
        content = bytes(self.output())
        for font in self.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]
        return content

    def _family_for(self, text: str) -> str:
        """Return the font of the text's own script, if its letters join: also their spaces are drawn with it.

        A joiner or a mark in another font would tear the word apart.
        """
        foreign = [letter for letter in text if not LATIN.has(letter)]
        joining = (one for one in self._typefaces if one.joins and any(map(one.has, foreign)))
        return next(joining, LATIN).family

    def put(
        self,
        text: str,
        *,
        x: float,
        y: float,
        width: float,
        size: float,
        is_bold: bool = False,
        colour: Colour = BLACK,
        align: Align = "L",
        max_lines: int = 1,
    ) -> float:
        """Draw text from its upper left corner; return where it ends below.

        What needs more lines than it may have is drawn smaller, and at last shortened. A letter that no font
        has is drawn as its plain form or as a box.
        """
        self.set_xy(x, y)
        text = text.translate(self._substitutes)
        if not text:
            return y
        if category(text[0]).startswith("M"):
            text = _BASE + text  # a mark with nothing before it is drawn on nothing, and not seen
        look = (text, width, size, "B" if is_bold else "", colour, align, max_lines)
        if y + size * _MM * _LEADING * max_lines > self.page_break_trigger:
            self._draw(*look)  # and maybe go on on another page
            return self.y
        drawn = self._drawn.get((x, y, *look))
        if drawn is None:
            drawn = self._drawn[(x, y, *look)] = self._draw_apart(*look)
        else:
            self._out(drawn.operators)
            self.set_xy(self.l_margin, drawn.end)
        return self.y

    def _draw_apart(self, *look: Any) -> _Drawn:
        """Draw text with a graphics state of its own, so that its operators do the same on any page."""
        before = len(self._operators())
        with self.local_context(current_font_is_set_on_page=False):
            self._draw(*look)
            end = self.y
        return _Drawn(bytes(self._operators()[before:]).removesuffix(b"\n"), end)

    def _draw(
        self, text: str, width: float, size: float, style: str, colour: Colour, align: Align, max_lines: int
    ) -> None:
        self.set_text_color(*colour)
        shown, size = self._fitted(text, width, size, style, max_lines)
        draw = self.cell if self._lines(shown, width, 1) == 1 else self.multi_cell
        draw(width, size * _MM * _LEADING, shown, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _operators(self) -> bytearray:
        """Return the operators of the page so far."""
        contents = self.pages[self.page].contents
        assert isinstance(contents, bytearray)  # noqa: S101 - until the document is finished
        return contents

    def add_page(self, *args: Any, **options: Any) -> None:
        """Begin a page with every font: text of another page may be drawn on it again."""
        super().add_page(*args, **options)
        for font in self.fonts.values():
            self._resource_catalog.add(PDFResourceType.FONT, font.i, self.page)

    def _fitted(self, text: str, width: float, size: float, style: str, max_lines: int) -> tuple[str, float]:
        for scale in _SCALES:
            self.set_font(self._family_for(text), style, size * scale)
            if self._lines(text, width, max_lines) <= max_lines:
                return text, size * scale
        fits = min(len(text), int(len(text) * width * max_lines / self._width(text)) + 1)
        while fits > 1 and self._lines(text[:fits] + _MORE, width, max_lines) > max_lines:
            fits -= max(1, fits // 16)
        return text[:fits].rstrip() + _MORE, size * _SCALES[-1]

    def _lines(self, text: str, width: float, wanted: int) -> int:
        """Return how many lines the text needs, or just some number above the one that is wanted."""
        # Breaking lines measures every letter, again and again: not where one measurement is enough.
        needed = ceil(self._width(text) / width)
        if needed <= 1 or needed > wanted:
            return needed
        lines = self.multi_cell(width, 1, text, dry_run=True, output=MethodReturnValue.LINES)
        return len(lines)  # type: ignore[arg-type]

    def _width(self, text: str) -> float:
        """Return the width of the text in the current font; the last results are cached."""
        measured = (text, self.font_family, self.font_style, self.font_size_pt)
        if measured != self._measured:
            self._measured, self._measured_width = measured, self.get_string_width(text)
        return self._measured_width

    def rule(self, y: float, *, x: float = MARGIN, width: float | None = None) -> None:
        """Draw a thin horizontal line, by default over the width of the page."""
        self.set_draw_color(*LIGHT)
        self.set_line_width(0.2)
        self.line(x, y, x + (self.epw if width is None else width), y)

    def draw_modules(self, rows: list[bytes], *, x: float, y: float, size: float) -> None:
        """Draw the black modules of a QR code as squares of ink, sharp at every magnification."""
        scale = size / len(rows) * self.k
        # One path in the code's own units, its rows counted downwards: a page has hundreds of squares.
        squares = " ".join(
            f"{start} {number} {length} 1 re"
            for number, row in enumerate(rows)
            for start, length in _runs(row)
        )
        origin = f"{x * self.k:.2f} {(self.h - y) * self.k:.2f}"
        self._out(f"q 0 g {scale:.5f} 0 0 {-scale:.5f} {origin} cm {squares} f Q")

    def place_for(self, height: float) -> float:
        """Return where to draw something of this height next: on a new page if this one is full."""
        if self.y + height > self.h - MARGIN:
            self.add_page()
        return self.y


def _runs(row: bytes) -> Iterable[tuple[int, int]]:
    start = row.find(1)
    while start >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = row.find(1, end)
