"""A batch that stands still, as with a worker whose host does, loses its locks, and with them its turn."""

import time
from collections.abc import Sequence
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from orders.laps import Laps
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks import orders
from tasks.messages import QueueMessage, parse
from tasks.orders import process_messages, process_now
from tasks.transactions import DatabaseUnavailable, transaction
from tests.factories import load, make_body, scalar
from worker.runtime.settings import get_settings


def _message() -> QueueMessage:
    body = [[], {"requests": [{"tenant": "demo", **make_body(idempotency_key=str(uuid4()))}]}, {}]
    return QueueMessage("orders.create", str(uuid4()), orjson.dumps(body))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILLCALL_VISIBILITY_TIMEOUT_SECONDS", "5")
    get_settings.cache_clear()


def test_others_go_on_and_the_late_batch_changes_nothing(engine: Engine) -> None:
    load(engine)
    late, other = _message(), _message()

    with pytest.raises(DatabaseUnavailable):
        _stand_still(late, while_processing=other)

    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    assert process_messages([late]).outcomes[0].status == "processed"
    assert scalar(engine, "SELECT count(*) FROM orders") == 2


def test_another_does_the_work_of_a_late_batch_once(engine: Engine) -> None:
    load(engine)
    message = _message()

    with pytest.raises(DatabaseUnavailable):
        _stand_still(message, while_processing=message)

    process_messages([message])
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_a_batch_that_takes_too_long_is_halved(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    load(engine)

    def process_slowly(connection: Connection, requests: Sequence[Request], laps: Laps) -> list[Outcome]:
        connection.execute(text("SELECT 1"))
        if len(requests) > 1:
            time.sleep(6)  # as on a slow host, which has much to sign
        return process_now(connection, requests, laps)

    monkeypatch.setattr(orders, "process_now", process_slowly)
    report = process_messages([_message(), _message()])

    assert [outcome.status for outcome in report.outcomes] == ["processed", "processed"]


def _stand_still(late: QueueMessage, *, while_processing: QueueMessage) -> None:
    """Process a message but for the commit, and then another, which waits for what the first has locked."""
    with transaction() as connection:
        process_now(connection, parse(late).requests)
        assert process_messages([while_processing]).outcomes[0].status == "processed"
