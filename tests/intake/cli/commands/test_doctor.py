"""What `willcall doctor` finds, by its real causes."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from intake.cli.checks.certificate_checks import Server, check_certificate, servers_of
from intake.cli.checks.certificates import CertificateUnreadable, expiry_of
from intake.cli.checks.clock_checks import compare
from intake.cli.checks.system_checks import check_disk
from orders.recovery.dead_letters import DeadLetter, bury
from orders.upkeep.ticks import claim_tick, finish_tick
from tests.factories import NOW, load
from tests.intake.cli.conftest import Willcall
from tests.system.tls import Certificate, make_certificate, tls_in_front_of
from willcall.kinds import CREATE
from worker.runtime.settings import Settings


def _checks(willcall: Willcall) -> dict[str, Any]:
    return {one["check"]: one for one in willcall("doctor", "--json").json["checks"]}


def test_each_version_and_each_clock_is_told(willcall: Willcall, engine: Engine) -> None:
    checks = _checks(willcall)

    assert checks["version"]["message"].startswith("Willcall ")
    assert " on Python 3." in checks["version"]["message"]
    assert checks["broker"]["message"].startswith("Valkey ")
    assert checks["PostgreSQL version"]["is_ok"]
    assert checks["database clock"]["is_ok"]
    assert checks["broker clock"]["is_ok"]


def test_what_came_to_nothing_is_told_with_the_command_that_shows_it(
    willcall: Willcall, engine: Engine
) -> None:
    load(engine)
    with engine.begin() as connection:
        bury(connection, [DeadLetter(CREATE, b"{}", "hopeless")], NOW)
        connection.execute(text("UPDATE ticket_classes SET sold = sold + 1"))
        claim_tick(connection, "holds.sweep", 1, now=datetime.now(UTC) - timedelta(hours=2))
        claim_tick(connection, "outbox.sweep", 1, now=datetime.now(UTC))
        finish_tick(
            connection, "outbox.sweep", 1, count=None, error="the database is away", now=datetime.now(UTC)
        )
    assert willcall("reconcile").code == 1

    checks = _checks(willcall)

    assert not checks["dead letters"]["is_ok"]
    assert "`willcall dead-letters list`" in checks["dead letters"]["message"]
    assert "found 2 discrepancies: `willcall reconcile`" in checks["discrepancies"]["message"]
    schedule = checks["schedule"]["message"]
    assert "never ran: requests.retry, " in schedule
    assert "did not run for several intervals: holds.sweep: run `willcall up`" in schedule
    assert "failed: outbox.sweep: the database is away" in schedule


def test_a_clock_that_is_wrong_is_told_with_its_direction() -> None:
    now = datetime.now(UTC)

    assert compare("clock", now, now + timedelta(seconds=1), now + timedelta(seconds=2)).is_ok
    assert "60.0 s ahead of" in compare("clock", now, now + timedelta(seconds=60), now).message
    assert "60.0 s behind" in compare("clock", now, now - timedelta(seconds=60), now).message


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    assert check_disk(tmp_path, least_free_bytes=0).is_ok

    full = check_disk(tmp_path, least_free_bytes=2**60)

    assert not full.is_ok
    assert "free some space" in full.message


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path / "tls", "IP:127.0.0.1")


def _server(port: int, *, is_postgres: bool = False) -> Server:
    return Server("broker", "127.0.0.1", port, "`reload`", is_postgres)


def test_a_certificate_that_ends_soon_is_bad_and_one_of_later_is_not(certificate: Certificate) -> None:
    now = datetime.now(UTC)
    with tls_in_front_of(1, certificate) as port:
        soon = check_certificate(_server(port), now)
        over = check_certificate(_server(port), now + timedelta(days=3))
        fine = check_certificate(_server(port), now - timedelta(days=30))

    assert soon is not None
    assert over is not None
    assert fine is not None
    assert (soon.is_ok, over.is_ok, fine.is_ok) == (False, False, True)
    assert "is valid until " in soon.message
    assert "renew it, then load it with `reload`" in soon.message
    assert "it expired " in over.message


@contextmanager
def _postgres_with_tls(certificate: Certificate, answer: bytes) -> Iterator[int]:
    """Answer one wish for TLS as PostgreSQL does: `S` and a handshake, or `N`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)

    def serve() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(8)
            accepted.sendall(answer)
            if answer == b"S":
                context.wrap_socket(accepted, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(("answer", "is_told"), [(b"S", True), (b"N", False)])
def test_a_database_is_asked_for_tls_first(certificate: Certificate, answer: bytes, is_told: bool) -> None:
    with _postgres_with_tls(certificate, answer) as port:
        found = check_certificate(_server(port, is_postgres=True), datetime.now(UTC) - timedelta(days=30))

    assert (found is not None) == is_told


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.cli.checks.certificate_checks._SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = check_certificate(_server(silent.getsockname()[1]), datetime.now(UTC))

    assert found is not None
    assert not found.is_ok
    assert "it cannot be read (TimeoutError)" in found.message


def test_the_end_of_a_certificate_is_read_as_openssl_reads_it(certificate: Certificate) -> None:
    told = subprocess.run(
        ["openssl", "x509", "-in", certificate.file, "-noout", "-enddate"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    der = ssl.PEM_cert_to_DER_cert(certificate.file.read_text())

    assert expiry_of(der) == datetime.strptime(told, "notAfter=%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    for broken in (b"", der[:40], b"0\x03abc", b"\x30\x84\xff"):
        with pytest.raises(CertificateUnreadable):
            expiry_of(broken)


def test_every_server_that_may_speak_tls_is_asked() -> None:
    settings = Settings(
        database_url="postgresql://me:secret@one:5433,two/shop",
        broker_url="amqps://me:secret@rabbit",
        public_url="https://tickets.example.com",
    )
    plain = Settings(broker_url="redis://queue", public_url="http://127.0.0.1:8000")

    assert [(server.name, server.host, server.port) for server in servers_of(settings)] == [
        ("database", "one", 5433),
        ("database", "two", 5432),
        ("broker", "rabbit", 5671),
        ("public address", "tickets.example.com", 443),
    ]
    assert list(servers_of(plain)) == []
