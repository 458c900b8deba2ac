"""The databases of a run: same cluster, same tables, same catalogue, one for each side."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, make_url, text

from benchmarks.loads.orders import catalogue
from db import tables
from db.engine import make_engine
from db.migrate import upgrade
from orders.catalogue.loading import load_catalogue

FIRST_ID: Final = UUID(int=0)
"""An id before all others."""

_CATALOGUE: Final = (
    tables.tenants,
    tables.tenant_aliases,
    tables.api_keys,
    tables.ticket_keys,
    tables.tenant_secrets,
    tables.events,
    tables.ticket_classes,
    tables.seats,
    tables.promo_codes,
)

# All that orders leave; the catalogue stays.
_LEFT: Final = [table.name for table in tables.metadata.sorted_tables if table not in _CATALOGUE]

_EMPTY = text("TRUNCATE " + ", ".join(_LEFT))

_COMMITS: Final = """
    SELECT CAST(extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS float8) AS moment, count(*) AS orders
    FROM {table} WHERE id > :after GROUP BY 1 ORDER BY 1
"""


class Stalled(Exception):
    """The workers did not process what they were given; the text says how far they came."""


@dataclass(frozen=True, slots=True)
class Commits:
    """When orders or requests were committed: Unix seconds, and how many in each transaction."""

    moments: tuple[float, ...]
    orders: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Return the number a second from the first commit to the last; what the first holds came before."""
        return sum(self.orders[1:]) / (self.moments[-1] - self.moments[0])


@dataclass
class Database:
    """One database. A kept one is not emptied between runs."""

    url: str
    is_kept: bool = False

    @cached_property
    def engine(self) -> Engine:
        """Return an engine of the benchmark's own process."""
        return make_engine(self.url)

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Return all rows of a query."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), parameters))

    def scalar(self, query: str, **parameters: Any) -> Any:
        """Return the one value of a query."""
        return self.rows(query, **parameters)[0][0]

    def execute(self, *statements: str) -> None:
        """Run statements outside a transaction."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))

    def reset(self) -> None:
        """Empty the tables, unless they are kept, and run a checkpoint, so that all runs start alike."""
        if not self.is_kept:
            with self.engine.begin() as connection:
                connection.execute(_EMPTY)
                connection.execute(text("UPDATE ticket_classes SET sold = 0, held = 0 WHERE sold + held > 0"))
        self.execute("VACUUM ticket_classes", "CHECKPOINT")

    def analyze(self) -> None:
        """Take the statistics of what orders leave, as autovacuum would have done by the time of a change."""
        self.execute("ANALYZE " + ", ".join(_LEFT))

    def sold(self) -> int:
        """Return the tickets sold: with one ticket an order, the orders. Reads 100 rows."""
        return int(self.scalar("SELECT sum(sold) FROM ticket_classes"))

    def last_order(self) -> UUID:
        """Return the id of the newest order: ids ascend with time."""
        found = self.rows("SELECT id FROM orders ORDER BY id DESC LIMIT 1")
        return found[0][0] if found else FIRST_ID

    def commits(self, after: UUID = FIRST_ID) -> Commits:
        """Return when the orders after this id were committed, by the database's own record."""
        return self._commits("orders", after)

    def last_request(self) -> UUID:
        """Return the newest request id: those that are made later are greater."""
        found = self.rows("SELECT id FROM requests ORDER BY id DESC LIMIT 1")
        return found[0][0] if found else FIRST_ID

    def request_commits(self, after: UUID = FIRST_ID) -> Commits:
        """Return when the requests after this id were committed: not every kind leaves an order."""
        return self._commits("requests", after)

    def _commits(self, table: str, after: UUID) -> Commits:
        found = self.rows(_COMMITS.format(table=table), after=after)
        return Commits(tuple(row.moment for row in found), tuple(row.orders for row in found))

    def wait_for_requests(
        self, after: UUID, count: int, *, patience: float = 60.0, log: Callable[[], str] = str
    ) -> None:
        """Return when this many requests after the id have ended.

        Raises `Stalled` if none ended for `patience` seconds, and if one did not end as processed.
        """

        def ended() -> int:
            return int(self.scalar("SELECT count(*) FROM requests WHERE id > :after", after=after))

        _wait_until(ended, count, "requests", patience, log)
        refused = self.rows(
            "SELECT errors FROM requests WHERE id > :after AND status <> 'processed'", after=after
        )
        if refused:
            raise Stalled(f"{len(refused)} of {count} requests were rejected; the first: {refused[0].errors}")

    def wait_for(self, sold: int, *, patience: float = 60.0, log: Callable[[], str] = str) -> None:
        """Return when `sold` tickets are sold. Raises `Stalled` after `patience` seconds without a sale."""
        _wait_until(self.sold, sold, "orders", patience, log)


def _wait_until(
    done: Callable[[], int], count: int, things: str, patience: float, log: Callable[[], str]
) -> None:
    before, since = -1, time.monotonic()
    while (now := done()) < count:
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            raise Stalled(f"{now} of {count} {things} are done, none in {patience:g} s\n{log()}")
        time.sleep(0.05)


def prepare(database: Database) -> None:
    """Make the tables and load the catalogue."""
    upgrade(database.engine)
    load_catalogue(database.engine, catalogue(), now=datetime.now(UTC))


def copy_of(template: Database, name: str, *, is_kept: bool = False) -> Database:
    """Make a database with all that the template holds, ids included."""
    url = make_url(template.url)
    template.engine.dispose()
    maker = make_engine(url.set(database="postgres").render_as_string(hide_password=False))
    with maker.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {url.database}"))
    maker.dispose()
    return Database(url.set(database=name).render_as_string(hide_password=False), is_kept)
