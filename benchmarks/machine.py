"""What the figures were measured on: figures of another machine are other figures."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kombu import Connection

from benchmarks.running.lab import RABBITMQ, REDIS, Lab

_PACKAGES = ("celery", "kombu", "sqlalchemy", "psycopg", "pydantic", "dramatiq", "huey")


def describe(lab: Lab) -> list[tuple[str, str]]:
    """Return names and values, those of the servers that run included."""
    facts = [
        ("cores", str(os.cpu_count())),
        ("processor", _processor()),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("PostgreSQL", str(lab.ours.scalar("SHOW server_version"))),
        ("one flush of its log", f"{lab.flush_milliseconds():.2f} ms"),
        ("Valkey", _valkey(lab)),
    ]
    if lab.rabbitmq_url is not None:
        facts.append((RABBITMQ, _rabbitmq(lab.rabbitmq_url)))
    return [*facts, *((name, _version(name)) for name in _PACKAGES)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a peer, which only `make bench` installs
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _valkey(lab: Lab) -> str:
    with Connection(lab.broker_url(REDIS)) as connection:
        return str(connection.default_channel.client.info("server")["valkey_version"])


def _rabbitmq(url: str) -> str:
    with Connection(url) as connection:
        connection.connect()
        return str(connection.connection.server_properties["version"])
