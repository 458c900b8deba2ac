"""What others do between two statements of a batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Step = tuple[str, str | None, Callable[[], Any]]
"""Act after a statement that has this part and not that one."""


@contextmanager
def acting(engine: Engine, *steps: Step) -> Iterator[list[Any]]:
    """Act once for each step, in their order, while a batch runs in the block; yield what the acts return."""
    left = list(steps)
    done: list[Any] = []
    inside: list[bool] = []

    def after(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if inside or not left or left[0][0] not in statement or (left[0][1] or "\0") in statement:
            return
        inside.append(True)
        done.append(left.pop(0)[2]())
        inside.pop()

    event.listen(engine, "after_cursor_execute", after)
    try:
        yield done
    finally:
        event.remove(engine, "after_cursor_execute", after)
