"""QR codes (ISO/IEC 18004) of tickets: with the quiet zone that scanners need, black on white."""

from io import BytesIO
from math import isqrt
from typing import Final

import segno
from segno.encoder import Code
from zxingcpp import BarcodeFormat, create_barcode

from intake.documents.recent import Recent

_CORRECTION: Final = "M"  # a folded or scratched sixth can still be read
QUIET_ZONE: Final = 4  # modules, as the standard asks for
_INK: Final = bytes([1]) + bytes(255)  # of a picture's greys: black is ink
_PIXELS: Final = 8  # a module in the PNG

_DRAWN: Final = Recent(4 * 1024 * 1024)
"""Some thousands of pictures: a pass is opened more than once, and by more than one."""


def rows_of(code: str) -> list[bytes]:
    """Return the modules of the code row by row, quiet zone and all: 1 is black."""
    blank = bytes(QUIET_ZONE)
    rows = [blank + row + blank for row in _modules_of(code)]
    edge = [bytes(len(rows[0]))] * QUIET_ZONE
    return edge + rows + edge


def _modules_of(code: str) -> list[bytes]:
    # Not by segno, which takes 12 ms for it: a page each for a thousand tickets.
    made = create_barcode(code, BarcodeFormat.QRCode, ec_level=_CORRECTION)
    drawn = bytes(made.to_image(add_quiet_zones=False))  # type: ignore[call-overload] # it is a buffer
    side = isqrt(len(drawn))
    ink = drawn.translate(_INK)
    return [ink[start : start + side] for start in range(0, len(ink), side)]


def png_of(code: str) -> bytes:
    """Return the code as a PNG, eight pixels a module."""
    return _DRAWN.get(("png", code), lambda: _png(code))


def svg_of(code: str, *, is_inline: bool = False) -> str:
    """Return the code as an SVG that fills what it is put into; `is_inline` for the middle of a page."""
    kind = "inline" if is_inline else "svg"
    return _DRAWN.get((kind, code), lambda: _svg(code, is_inline=is_inline)).decode()


def _png(code: str) -> bytes:
    file = BytesIO()
    _made(code).save(file, kind="png", scale=_PIXELS, border=QUIET_ZONE)
    return file.getvalue()


def _svg(code: str, *, is_inline: bool) -> bytes:
    file = BytesIO()
    _made(code).save(
        file,
        kind="svg",
        border=QUIET_ZONE,
        light="white",
        omitsize=is_inline,
        scale=1 if is_inline else _PIXELS,
        xmldecl=not is_inline,
        svgns=not is_inline,
        svgclass=None,
        lineclass=None,
        title="QR code of the ticket" if not is_inline else None,
    )
    return file.getvalue()


def _made(code: str) -> segno.QRCode:
    """Return the code as segno writes it."""
    matrix = tuple(map(bytearray, _modules_of(code)))
    made = Code(matrix, (len(matrix) - 17) // 4, None, None, ())
    return segno.QRCode(made)  # type: ignore[call-arg] # its stub leaves it out
