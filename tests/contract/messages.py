"""The messages that tests/messages/ keeps: the vendors' own samples, and what was recorded."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent.parent / "messages"


def recorded(name: str) -> Any:
    """Return a message by its path below tests/messages; numbers with a fraction are `Decimal`."""
    return json.loads((_FOLDER / name).read_text(), parse_float=Decimal)


def shape_of(words: Any) -> Any:
    """Return the keys of JSON recursively, each with the name of its type; a list by its first item."""
    if isinstance(words, dict):
        return {name: shape_of(value) for name, value in words.items()}
    if isinstance(words, list):
        return [shape_of(words[0])] if words else []
    return (
        "number" if isinstance(words, int | Decimal) and not isinstance(words, bool) else type(words).__name__
    )
