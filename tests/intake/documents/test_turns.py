"""Whose document is made next: each tenant has its turn, and small ones do not wait for large ones."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from intake.documents.store import SMALL, Size, ask, begin, claim, keep

A, B, C = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def processes(engine: Engine) -> Iterator[list[Connection]]:
    """Connections of four processes that make documents."""
    with ExitStack() as stack:
        yield [stack.enter_context(engine.connect()) for _ in range(4)]


def _add(engine: Engine, number: int, tenant: UUID, tickets: int = 1) -> UUID:
    """Have a document wait; the higher its number, the later it was asked for."""
    query = text("""
        INSERT INTO documents (order_id, tenant_id, tickets, asked_at)
        VALUES (:id, :tenant, :tickets, now() - interval '1 hour' + :number * interval '1 second')
    """)
    id_ = UUID(int=1000 + number)
    with engine.begin() as connection:
        connection.execute(query, {"id": id_, "tenant": tenant, "tickets": tickets, "number": number})
    return id_


def _next(process: Connection, size: Size = "small") -> UUID | None:
    found = claim(process, size)
    return None if found is None else found.order_id


def _make_next(engine: Engine, process: Connection) -> UUID | None:
    """Make the next document, and end the turn."""
    found = _next(process)
    if found is not None:
        with engine.begin() as connection:
            begin(connection, found)
            keep(connection, found, "1", b"%PDF")
    process.rollback()
    return found


def test_tenants_take_turns_and_each_is_served_in_its_order(
    engine: Engine, processes: list[Connection]
) -> None:
    of_a = [_add(engine, number, A) for number in range(4)]
    of_b, of_c = _add(engine, 10, B), _add(engine, 11, C)

    made = [_make_next(engine, processes[0]) for _ in range(7)]

    assert made == [of_a[0], of_b, of_c, *of_a[1:], None]


def test_of_a_tenant_one_is_made_at_a_time_however_many_processes_there_are(
    engine: Engine, processes: list[Connection]
) -> None:
    first, _ = _add(engine, 1, A), _add(engine, 2, A)
    of_b = _add(engine, 3, B)

    assert [_next(process) for process in processes[:3]] == [first, of_b, None]
    processes[0].invalidate()  # its process is killed
    for process in processes[1:3]:
        process.rollback()

    assert _next(processes[3]) == first


def test_a_small_one_does_not_wait_for_a_large_one_of_the_same_tenant(
    engine: Engine, processes: list[Connection]
) -> None:
    large, small = _add(engine, 1, A, SMALL + 1), _add(engine, 2, A, SMALL)

    assert _next(processes[0], "large") == large
    assert _next(processes[1], "large") is None
    assert _next(processes[2], "small") == small


def test_what_is_asked_for_again_waits_again_only_in_another_version(engine: Engine) -> None:
    id_ = UUID(int=7)
    with engine.begin() as connection:

        def asked(version: str, most: int = 2) -> str:
            return ask(connection, id_, A, version=version, most=most)

        assert asked("1", most=0) == "full"
        assert [asked("1"), asked("1"), asked("2")] == ["new", "waiting", "waiting"]
        assert begin(connection, id_) == 1
        keep(connection, id_, "1", b"%PDF")
        assert begin(connection, id_) is None
        assert [asked("1"), asked("2"), begin(connection, id_)] == ["waiting", "new", 1]
