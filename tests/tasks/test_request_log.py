"""The request log: what is not written down is not committed, and what is replayed is as it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import Engine, text

from tasks.maintenance import retry
from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tasks.replay import Replayed, replay
from tasks.request_log import _log_in
from tasks.transactions import DatabaseUnavailable
from tests.factories import load, make_body, rows, scalar
from tests.poison import cure_orders, poison_orders
from willcall.kinds import CANCEL, CREATE
from worker.runtime.settings import get_settings

_MADE: Final = (
    "requests, request_repeats, orders, order_lines, tickets, payments, notes, order_changes, order_trades, "
    "fraud_checks, holds, event_messages, outbox, delayed_requests, dead_letters"
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the log, which does not exist yet."""
    folder = tmp_path / "log"
    monkeypatch.setenv("WILLCALL_REQUEST_LOG", str(folder))
    get_settings.cache_clear()
    return folder


@pytest.fixture
def failing_commits(engine: Engine) -> Iterator[Engine]:
    """A database that takes orders with the reference `late`, and refuses to commit them."""
    with engine.begin() as connection:
        connection.execute(
            text("""
                CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'refused at the commit'; END $$
            """)
        )
        connection.execute(
            text("""
                CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.reference = 'late') EXECUTE FUNCTION refuse_late()
            """)
        )
    yield engine
    _let_commit(engine)


def _let_commit(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION IF EXISTS refuse_late CASCADE"))


def _message(*bodies: dict[str, Any], kind: str = CREATE, id: str = "m") -> QueueMessage:
    requests = [{"tenant": "demo", **body} for body in bodies]
    return QueueMessage(kind, id, orjson.dumps([[], {"requests": requests}, {}]))


def _forget_everything(engine: Engine) -> None:
    """Have the database as it was before the first request."""
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {_MADE}"))
        connection.execute(text("UPDATE ticket_classes SET sold = 0, held = 0"))


def _replay(engine: Engine, log: Path) -> Replayed:
    return replay(engine, log.glob("*"), lambda done, lines: None)


def _orders(engine: Engine) -> list[tuple[Any, ...]]:
    query = "SELECT id, number, code, reference, status, total, created_at FROM orders ORDER BY id"
    return [tuple(row) for row in rows(engine, query)]


def test_nothing_is_committed_that_cannot_be_written_down(engine: Engine, log: Path) -> None:
    load(engine)
    log.touch()  # a file, where a directory is to be
    with pytest.raises(DatabaseUnavailable, match=r"the request log .* cannot be written"):
        process_messages([_message(make_body())])
    counts = "SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM delayed_requests)"
    assert scalar(engine, counts) == 0

    log.unlink()
    process_messages([_message(make_body())])

    assert scalar(engine, counts) == 1
    assert [oct(path.stat().st_mode)[-3:] for path in (log, *log.glob("*"))] == ["700", "600"]


def test_a_line_that_was_cut_off_stands_alone(engine: Engine, log: Path) -> None:
    load(engine)
    process_messages([_message(make_body())])
    (file,) = log.glob("*")
    whole = file.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 2):
        file.write_bytes(whole[:cut])
        _forget_everything(engine)
        # As another process would, with a file open of its own.
        _log_in.cache_clear()
        process_messages([_message(make_body(), make_body(), id=f"after {cut}")])
        before = _orders(engine)
        _forget_everything(engine)

        replayed = _replay(engine, log)

        assert (replayed.count, replayed.cut_off, replayed.differences) == (2, 1, [])
        assert _orders(engine) == before


def test_of_a_line_that_was_not_committed_no_number_is_used(failing_commits: Engine, log: Path) -> None:
    load(failing_commits)
    process_messages([_message(make_body(reference="early"), make_body(reference="late"))])
    assert rows(failing_commits, "SELECT reference FROM orders") == [("early",)]
    _let_commit(failing_commits)
    with failing_commits.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))
    assert retry() == 1
    before = {row[1:3] for row in _orders(failing_commits)}
    _forget_everything(failing_commits)

    _replay(failing_commits, log)

    assert {row[1:3] for row in _orders(failing_commits)} == before
    process_messages([_message(make_body(reference="new"), id="new")])
    new = scalar(failing_commits, "SELECT number FROM orders WHERE reference = 'new'")
    assert new > max(number for number, _ in before)


def test_what_was_kept_for_later_is_kept_again(engine: Engine, log: Path) -> None:
    load(engine)
    poison_orders(engine, before="INSERT")
    try:
        report = process_messages([_message(make_body(reference="poison"), make_body())])
    finally:
        cure_orders(engine)
    assert report.delayed == 1
    early = _message({"order_key": "never"}, kind=CANCEL, id="early")
    process_messages([early])
    query = "SELECT request_id, kind, request FROM delayed_requests ORDER BY request_id"
    before = rows(engine, query)
    assert len(before) == 2
    _forget_everything(engine)

    replayed = _replay(engine, log)

    assert rows(engine, query) == before
    assert (replayed.later, replayed.differences) == (1, [])
    assert _replay(engine, log).differences == []
    assert rows(engine, query) == before


def test_what_comes_out_otherwise_is_told(engine: Engine, log: Path) -> None:
    load(engine)
    process_messages([_message(make_body(quantity=600))])
    _forget_everything(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE ticket_classes SET capacity = 10"))

    (difference,) = _replay(engine, log).differences

    assert (difference.before[0], difference.now) == ("processed", ("rejected", None))


def test_a_dead_request_is_dead_once(engine: Engine, log: Path) -> None:
    load(engine)
    process_messages([_message({**make_body(), "tenant": "nobody"}, make_body())])
    query = "SELECT request_id, reason FROM dead_letters"
    before = rows(engine, query)
    assert len(before) == 1
    _forget_everything(engine)

    replays = [_replay(engine, log), _replay(engine, log)]

    assert rows(engine, query) == before
    assert [(one.known, one.differences) for one in replays] == [(0, []), (2, [])]
