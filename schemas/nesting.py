"""How deeply JSON is nested."""

from typing import Any


def is_deeper_than(levels: int, value: Any) -> bool:
    """Say whether arrays and objects are inside each other on more levels than these."""
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
