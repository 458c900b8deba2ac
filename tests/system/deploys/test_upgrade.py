"""A migration under load, with processes of both versions side by side: nothing is lost, doubled or dead."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.revisions import current_revision, newest_revision
from tests.brokers import VALKEY, Broker
from tests.customers import Customers, make_catalogue
from tests.databases import empty_database
from tests.system.deploys.extent import long_only, on
from tests.system.deploys.former_version import unpack_former_version
from tests.system.deploys.hosts import Host, running_hosts
from tests.system.deploys.next_version import NEXT_REVISION, make_next_version
from tests.system.deploys.producers import Ledger, two_doors
from tests.system.failover.shop import new_shop


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """A database of its own, without tables."""
    with empty_database(engine, "upgraded") as opened:
        yield opened


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return current_revision(connection)


@long_only
@on(VALKEY)
def test_a_version_is_replaced_by_the_next_under_load(broker: Broker, empty: Engine, tmp_path: Path) -> None:
    url = empty.url.render_as_string(hide_password=False)
    new = new_shop(broker.folder, **broker.environment, WILLCALL_DATABASE_URL=url)
    code = unpack_former_version(tmp_path)
    old = new.with_variables(PYTHONPATH=code)
    old.open(make_catalogue())
    new.key = old.key
    after = newest_revision()
    if _revision(empty) == after:
        # The newest migration is the first: the version before has its schema too, so another one follows.
        new, after = new.with_variables(PYTHONPATH=make_next_version(tmp_path)), NEXT_REVISION
    # The version before may still break a call on a connection that it closes.
    ledger = Ledger(may_break=True)
    with running_hosts(old, old) as hosts:
        customers = Customers(partial(two_doors, [host.url for host in hosts], old.key, ledger))
        with customers.coming():
            customers.wait_for(20)
            new.run("migrate")
            assert _revision(empty) == after
            customers.wait_for(20)
            for index, host in enumerate(hosts):
                host.stop()
                hosts[index] = Host(new, host.port)
                hosts[index].start()
                customers.wait_for(20)
        ledger.check(empty)
