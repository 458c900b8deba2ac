"""`willcall top`: what happens now, in a terminal and for programs."""

import json
import os
import pty
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from orders.recovery.dead_letters import DeadLetter, bury
from tests.factories import NOW, load, make_body, make_request, run
from tests.intake.cli.conftest import WILLCALL, OrdersQueue, Willcall, environment
from tests.processes import PATIENCE_SECONDS, wait_until
from willcall.kinds import CREATE


def _sell_now(engine: Engine) -> None:
    load(engine)
    run(engine, make_request(quantity=3), make_request(ticket_class="none"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET created_at = now(), updated_at = now()"))
        connection.execute(text("UPDATE requests SET processed_at = now()"))
        bury(connection, [DeadLetter(CREATE, b"{}", "hopeless")], NOW)


def test_one_picture_has_the_orders_the_queues_and_what_sells(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    _sell_now(engine)
    willcall("submit", "-", "--tenant", "demo", stdin=json.dumps(make_body()).encode())

    shown = willcall("top", "--json")

    assert shown.code == 0
    picture = shown.json
    assert (picture["database_trouble"], picture["broker_trouble"]) == (None, None)
    assert picture["orders_per_second"] > 0
    assert {(one["status"], one["count"]) for one in picture["outcomes"]} == {
        ("processed", 1),
        ("rejected", 1),
    }
    assert len(picture["refusals"]) == 1
    assert picture["dead_letters"] == 1
    assert picture["unsent_events"] == 2
    assert sum(count for name, count in picture["queued"].items() if name.startswith("orders")) == 1
    assert 0 <= picture["oldest_seconds"] < 300
    [best] = picture["best_sellers"]
    assert (best["recently"], best["free"]) == (3, best["capacity"] - 3)


def test_people_get_one_picture_where_there_is_no_terminal(willcall: Willcall, engine: Engine) -> None:
    _sell_now(engine)

    shown = willcall("top")

    assert shown.code == 0
    for words in ("orders per second", "dead letters", "What sells most", "Why requests were refused"):
        assert words in shown.out


def test_a_server_that_is_away_is_told_and_the_other_is_shown(
    willcall: Willcall, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILLCALL_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")
    without_database = willcall("top", "--json").json
    monkeypatch.delenv("WILLCALL_DATABASE_URL")
    monkeypatch.setenv("WILLCALL_BROKER_URL", "redis://:secret@127.0.0.1:1/0")
    without_broker = willcall("top", "--once").out

    assert "127.0.0.1:1/none" in without_database["database_trouble"]
    assert without_database["orders_per_second"] is None
    assert without_database["queued"]["orders"] == 0
    assert "Broker: the broker redis://:**@127.0.0.1:1/0 does not answer" in without_broker
    assert "orders per second" in without_broker
    assert "secret" not in str(without_database) + without_broker


def test_it_goes_on_in_a_terminal_until_it_is_interrupted(home: Path, engine: Engine, tmp_path: Path) -> None:
    load(engine)
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [WILLCALL, "top", "--interval", "0.2"],
        cwd=tmp_path,
        env=environment(TERM="xterm", WILLCALL_HOME=home),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    content = bytearray()

    def read() -> None:
        while True:
            try:
                content.extend(os.read(ours, 65_536))
            except OSError:  # the process has ended
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_until(lambda: content.count(b"willcall top, ") >= 3, what="three pictures")
        wait_until(lambda: b"orders per second" in content, what="the database's figures")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(PATIENCE_SECONDS)
        os.close(ours)
    assert b"Traceback" not in content
