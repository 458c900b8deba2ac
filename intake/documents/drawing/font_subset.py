"""Cuts a font to one weight of a few letters, which takes HarfBuzz milliseconds."""

from io import BytesIO
from typing import Any, Final
from unicodedata import normalize

import uharfbuzz
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from intake.documents.drawing.typefaces import Typeface

REGULAR: Final = 400
BOLD: Final = 700

_MAX_ERROR: Final = 1.0  # of an outline, in a thousandth of the font's size


def cut(typeface: Typeface, letters: frozenset[str], weight: int) -> bytes:
    """Return a static TrueType font of those of the letters that the typeface has."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(typeface.path)), typeface.number)
    wanted = uharfbuzz.SubsetInput()
    # Shaping takes letters apart: Thai ำ is placed as the two that it is made of.
    parts = (part for letter in letters for part in normalize("NFKD", letter))
    wanted.unicode_set.update(map(ord, {*letters, *parts}))
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
    wanted.pin_axis_location(face, "wght", weight)
    font = bytes(uharfbuzz.subset(face, wanted).blob.data)
    return _redrawn(font, weight) if typeface.is_han else font


def _redrawn(font: bytes, weight: int) -> bytes:
    """Return a font of the same outlines in the format that a PDF can hold, which knows no CFF2.

    The layout tables stay behind: Chinese, Japanese and Korean have no marks to place.
    """
    with TTFont(BytesIO(font)) as cubic:
        drawn, order = cubic.getGlyphSet(), cubic.getGlyphOrder()
        outlines: dict[str, Any] = {}
        for name in order:
            pen = TTGlyphPen(None)
            drawn[name].draw(Cu2QuPen(pen, _MAX_ERROR, reverse_direction=True))
            outlines[name] = pen.glyph()
        ascent, descent = cubic["hhea"].ascent, cubic["hhea"].descent
        builder = FontBuilder(cubic["head"].unitsPerEm, isTTF=True)
        builder.setupGlyphOrder(order)
        builder.setupCharacterMap(cubic.getBestCmap())
        builder.setupGlyf(outlines)
        builder.setupHorizontalMetrics({name: cubic["hmtx"][name] for name in order})
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent, usWeightClass=weight)
    builder.setupPost()
    builder.setupNameTable({"familyName": "Noto Sans CJK", "styleName": str(weight)})
    file = BytesIO()
    builder.save(file)
    return file.getvalue()
