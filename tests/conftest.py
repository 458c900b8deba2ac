"""Real servers for the tests: a PostgreSQL, a Valkey and a RabbitMQ for each process that runs tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, text

from db import tables
from db.engine import make_engine
from db.migrate import upgrade
from db.sealing import keyring, secret_keys
from tests.brokers import broker, rabbitmq
from tests.homes import temporary_home
from tests.intakes import intake, shared_intake, worker
from worker.runtime import embedded
from worker.runtime.settings import get_settings

__all__ = ["broker", "intake", "rabbitmq", "shared_intake", "worker"]

# Hundreds of processes are started: the first may keep what it has compiled for those after it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_SERVERS = frozenset({"home", "rabbitmq"})
"""The fixtures that start servers; what needs one has another that needs it."""

# A slow machine is no mistake of what is tested.
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test-fast` leave out what needs servers."""
    parser.addoption("--without-servers", action="store_true", help="only tests that start no server")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what starts servers, if that is asked for."""
    if not config.getoption("--without-servers"):
        return
    needy = [item for item in items if _SERVERS.intersection(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=needy)
    items[:] = [item for item in items if item not in set(needy)]


def pytest_xdist_auto_num_workers() -> int:
    """Run twice as many processes as there are cores: most tests wait for servers and workers."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """Where this process's embedded servers run."""
    # Nothing here outlives the run: what matters is what is committed, not what survives a power cut.
    with (
        temporary_home() as home,
        embedded.running(home, postgres_options={"fsync": "off"}),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("WILLCALL_HOME", str(home))
        # This process's secret key is that home's, whatever was read before.
        get_settings.cache_clear()
        secret_keys.cache_clear()
        keyring.cache_clear()
        keyring()
        yield home


@pytest.fixture(scope="session")
def migrated(home: Path) -> Iterator[Engine]:
    """An engine of a database that the migrations have built."""
    engine = make_engine(embedded.database_url(home))
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(migrated: Engine) -> Engine:
    """An engine of an empty database."""
    names = ", ".join(table.name for table in tables.metadata.sorted_tables)
    with migrated.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
    return migrated
