"""Commands that need a worker: `willcall submit --wait` and `willcall doctor`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from kombu import Connection
from sqlalchemy import Engine, text

from orders.upkeep.ticks import claim_tick
from tasks.jobs import intervals
from tests.factories import load, make_body, make_request, run
from tests.intake.cli.conftest import Ran, Willcall
from tests.processes import wait_until
from worker.runtime import embedded
from worker.runtime.settings import get_settings

pytestmark = [pytest.mark.usefixtures("crew"), pytest.mark.xdist_group("crew")]


def _lines(*bodies: Any) -> bytes:
    return b"".join(orjson.dumps(body) + b"\n" for body in bodies)


def test_outcomes_are_printed_in_the_order_of_sending(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    bodies = [make_body("none" if number % 3 == 0 else "standing") for number in range(250)]

    ran = willcall("submit", "-", "--tenant", "demo", "--wait", "--json", stdin=_lines(*bodies))

    assert ran.code == 1
    assert [one["status"] for one in ran.json_lines] == [
        "rejected" if number % 3 == 0 else "processed" for number in range(250)
    ]
    assert "250 requests: 166 processed, 84 rejected." in ran.err


def test_waiting_for_good_orders_exits_with_0(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    ran = willcall("submit", "-", "--tenant", "demo", "--wait", stdin=_lines(make_body(), make_body()))

    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert [line[:3] for line in lines] == [["1", "processed", "order"], ["2", "processed", "order"]]


def test_a_rejection_is_printed_with_code_field_and_message(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    ran = willcall("submit", "-", "--tenant", "demo", "--wait", stdin=_lines(make_body("none")))

    assert ran.code == 1
    assert "unknown_ticket_class (line_items.0.ticket_class_id): there is no ticket class none" in ran.out


def test_a_request_of_an_unknown_tenant_is_printed_as_dead(willcall: Willcall, engine: Engine) -> None:
    ran = willcall("submit", "-", "--tenant", "nobody", "--wait", stdin=_lines(make_body()))

    assert ran.code == 1
    assert "dead" in ran.out
    assert "there is no tenant nobody" in ran.out


def test_sending_a_file_again_gives_the_same_orders(
    willcall: Willcall, engine: Engine, tmp_path: Path
) -> None:
    load(engine)
    file = tmp_path / "requests.jsonl"
    file.write_bytes(_lines(make_body(), make_body()))

    first, second = (
        [
            one["order_id"]
            for one in willcall("submit", file, "--tenant", "demo", "--wait", "--json").json_lines
        ]
        for _ in range(2)
    )

    assert first == second


def _checks(ran: Any) -> dict[str, bool]:
    return {one["check"]: one["is_ok"] for one in ran.json["checks"]}


def _doctor(willcall: Willcall, *words: str) -> Ran:
    """Run the doctor until all workers answer it: it gives them two seconds, too few on a busy machine."""
    runs: list[Ran] = []

    def has_answers() -> bool:
        runs.append(willcall("doctor", *words))
        return "3 answer: " in runs[-1].out

    wait_until(has_answers, what="all workers' answers")
    return runs[-1]


def test_the_doctor_finds_nothing_wrong_with_a_running_system(willcall: Willcall, engine: Engine) -> None:
    for job in intervals(get_settings()):
        with engine.begin() as connection:
            claim_tick(connection, job, 1, now=datetime.now(UTC))

    people, programs = _doctor(willcall), _doctor(willcall, "--json")

    assert people.code == 0, people.out
    assert all(line.startswith("ok  ") for line in people.out.splitlines())
    assert "3 answer: documents-" in people.out
    assert list(_checks(programs)) == [
        "settings", "version", "disk", "database", "PostgreSQL version", "database clock", "writing",
        "connections", "schema", "secrets", "outbox", "refused event messages", "dead letters",
        "discrepancies", "schedule", "broker", "broker clock", "queue orders",
        "queue outbox", "maxmemory-policy", "appendonly", "appendfsync", "workers", "breaker", "documents",
    ]  # fmt: skip


def test_the_doctor_finds_an_outbox_that_nobody_empties(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    run(engine, make_request())
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET created_at = now() - interval '3 minutes'"))

    ran = willcall("doctor")

    assert ran.code == 1
    assert "bad outbox: unsent: 1 event message, the oldest for 18" in ran.out


@pytest.fixture
def evicting(home: Path) -> Iterator[None]:
    with Connection(embedded.broker_url(home)) as connection:
        client = connection.default_channel.client
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        client.config_set("appendfsync", "everysec")
        yield
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        client.config_set("appendfsync", "always")


def test_the_doctor_finds_a_broker_that_forgets(willcall: Willcall, engine: Engine, evicting: None) -> None:
    ran = willcall("doctor")

    assert ran.code == 1
    assert "bad maxmemory-policy: it is allkeys-lru" in ran.out
    assert "bad appendonly: it is no" in ran.out
    assert "bad appendfsync: it is everysec" in ran.out
    assert "redis-cli CONFIG SET appendfsync always" in ran.out


def test_the_doctor_goes_on_when_a_server_is_away(
    willcall: Willcall, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILLCALL_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")

    ran = _doctor(willcall)

    assert ran.code == 1
    assert "bad database: the database postgresql+psycopg://someone:***@127.0.0.1:1/none" in ran.out
    assert "ok  workers: " in ran.out
    assert "secret" not in ran.out + ran.err
