"""Making untrusted text safe for a terminal: control characters are escaped."""

import re
from typing import Final

_STEERING: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: cursor, colours, titles, bells, new lines (ECMA-48)
    "\u202a-\u202e\u2066-\u2069"  # direction: text that is displayed in another order (UAX #9)
    "\u2028\u2029"  # line and paragraph separators
    "\ufff9-\ufffb"  # interlinear annotation
    "\ud800-\udfff"  # surrogates, which no terminal can show
    "]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return the text with every character that controls a terminal escaped, such as `\\x1b`."""
    return _STEERING.sub(_written_out, text)


def printable_json(document: str) -> str:
    """Return the same JSON document with those characters escaped as JSON."""
    # JSON itself escapes C0 only.
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
