"""QR codes (ISO/IEC 18004) of tickets: with the quiet zone that scanners need, black on white."""

from io import BytesIO
from math import isqrt
from typing import Final

import segno
from zxingcpp import BarcodeFormat, create_barcode

_CORRECTION: Final = "m"  # a folded or scratched sixth can still be read
QUIET_ZONE: Final = 4  # modules, as the standard asks for
_INK: Final = bytes([1]) + bytes(255)  # of a picture's greys: black is ink
_PIXELS: Final = 8  # a module in the PNG


def rows_of(code: str) -> list[bytes]:
    """Return the modules of the code row by row, quiet zone and all: 1 is black."""
    # Not by segno, which takes 12 ms for it: a page each for a thousand tickets.
    made = create_barcode(code, BarcodeFormat.QRCode, ec_level=_CORRECTION.upper())
    drawn = bytes(made.to_image(add_quiet_zones=False))  # type: ignore[call-overload] # it is a buffer
    side = isqrt(len(drawn))
    ink = drawn.translate(_INK)
    blank = bytes(QUIET_ZONE)
    rows = [blank + ink[start : start + side] + blank for start in range(0, len(ink), side)]
    edge = [bytes(side + 2 * QUIET_ZONE)] * QUIET_ZONE
    return edge + rows + edge


def png_of(code: str) -> bytes:
    """Return the code as a PNG, eight pixels a module."""
    file = BytesIO()
    _made(code).save(file, kind="png", scale=_PIXELS, border=QUIET_ZONE)
    return file.getvalue()


def svg_of(code: str, *, is_inline: bool = False) -> str:
    """Return the code as an SVG that fills what it is put into; `is_inline` for the middle of a page."""
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
    return file.getvalue().decode()


def _made(code: str) -> segno.QRCode:
    return segno.make(code, error=_CORRECTION, micro=False)
