"""The nesting depth of JSON."""

from typing import Any


def is_deeper_than(levels: int, value: Any) -> bool:
    """Return whether arrays and objects are nested on more than `levels` levels."""
    level = [value]
    for _ in range(levels + 1):
        level = [child for one in level for child in _children(one)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
