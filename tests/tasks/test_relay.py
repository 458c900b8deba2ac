"""How often the relay reads the outbox: once for what a batch leaves, and once to see that nothing came."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tasks import relay as relaying
from tasks import resources
from tests.factories import load, make_request, run, scalar


@contextmanager
def _claims() -> Iterator[list[str]]:
    """Collect the statements that claim event messages."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "WITH earliest" in statement:
            found.append(statement)

    event.listen(resources.engine(), "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(resources.engine(), "before_cursor_execute", note)


def _unsent(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM outbox"))


def test_a_few_event_messages_cost_two_claims(engine: Engine) -> None:
    load(engine)
    run(engine, *(make_request() for _ in range(12)))
    waiting = _unsent(engine)

    with _claims() as claims:
        assert relaying.relay() == waiting >= 12

    assert _unsent(engine) == 0
    assert len(claims) == 2


@pytest.mark.parametrize("group", [1, 5, 11, 12, 13])
def test_all_event_messages_leave_whatever_a_group_holds(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(relaying, "_GROUP", group)
    load(engine)
    run(engine, *(make_request() for _ in range(12)))
    waiting = _unsent(engine)

    assert relaying.relay() == waiting

    assert _unsent(engine) == 0


def test_all_event_messages_leave_whatever_bytes_a_group_holds(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine)
    run(engine, *(make_request() for _ in range(12)))
    largest = int(scalar(engine, "SELECT max(bytes) FROM outbox"))
    for bytes_ in (1, largest * 2, largest * 11):
        monkeypatch.setattr(relaying, "_GROUP_BYTES", bytes_)
        run(engine, *(make_request() for _ in range(12)))
        waiting = _unsent(engine)

        assert relaying.relay() == waiting
        assert _unsent(engine) == 0
