"""A million orders in the tables, against empty tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Table, TextClause, text

from benchmarks.compared.systems import willcall
from benchmarks.loads.orders import make_orders
from benchmarks.results import Row, Target, compared
from benchmarks.running.crew import Crew
from benchmarks.running.database import Database
from benchmarks.running.lab import REDIS, Lab
from benchmarks.running.racing import Drain, race
from db import tables

TITLE: Final = "orders drained into filled tables; into empty ones"
TARGET: Final = Target(0.9)

_MODELS: Final = 500
"""Orders that went Willcall's own way; all others are copies of these."""

_COPIES: Final = text("""
    CREATE TEMPORARY TABLE copies AS
    SELECT id AS old_id, uuidv7() AS new_id, gen_random_uuid()::text AS new_key
    FROM generate_series(1, :copies), orders
""")

# Rows that are inserted meanwhile are not in the indexes, until those are built again.
_INDEXES: Final = text("""
    UPDATE pg_index SET indisready = :are_ready
    WHERE indrelid = ANY (SELECT oid FROM pg_class WHERE relname = ANY (CAST(:names AS name[])))
""")

_SENT: Final = text("""
    INSERT INTO sent_marks (subject, sequence)
    SELECT c.new_id, o.last_sequence FROM copies c JOIN orders o ON o.id = c.old_id
""")

_SOLD: Final = text("""
    UPDATE ticket_classes c SET sold = t.count
    FROM (SELECT ticket_class_id, count(*) FROM tickets GROUP BY 1) t WHERE t.ticket_class_id = c.id
""")

# What is another in each copy, by table: the column that names the order, and the others.
_COLUMNS: Final = {
    tables.requests: ("order_id", {"id": "uuidv7()", "idempotency_key": "new_key"}),
    tables.orders: ("id", {"number": "nextval('order_numbers')", "idempotency_key": "new_key"}),
    tables.order_lines: ("order_id", {}),
    tables.tickets: ("order_id", {"id": "uuidv7()"}),
    tables.event_messages: ("subject", {}),
}


def run(lab: Lab) -> Sequence[Row]:
    """Return the drain into filled tables against that into empty ones."""
    (empty,) = lab.crews(REDIS, "willcall")
    with filled_crew(lab, "filled", empty) as crew:
        seconds = lab.sizes.filled_seconds
        sides = {
            "empty tables": Drain(lab, empty, seconds=seconds),
            "filled tables": Drain(lab, crew, seconds=seconds),
        }
        before, after = race(lab, sides).values()
    note = f"{lab.sizes.filled_orders:,} orders in the tables; Redis, {crew.workers} process(es)"
    return [compared(TITLE, TARGET, after, before, note)]


@contextmanager
def filled_crew(lab: Lab, name: str, empty: Crew) -> Iterator[Crew]:
    """Run a crew like another on a database of this name, with very many orders in its tables."""
    database = lab.new_database(name, is_kept=True)
    # A database of its own in the broker, too: two crews must not take from one queue.
    system = willcall(database, lab.broker_url(REDIS) + "?virtual_host=3", lab.sizes)
    crew = lab.start(system, empty.workers)
    try:
        lab.say(f"filling the tables with {lab.sizes.filled_orders:,} orders")
        crew.drain(make_orders(_MODELS), 100)
        fill(database, lab.sizes.filled_orders)
        crew.rate = empty.rate
        yield crew
    finally:
        crew.end()


def fill(database: Database, orders: int) -> None:
    """Copy the existing orders until there are about `orders` more."""
    there = int(database.scalar("SELECT count(*) FROM orders"))
    names = [table.name for table in _COLUMNS]
    with database.engine.begin() as connection:
        # The models' rows hold what the constraints ask; checking each copy would only take time.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(_COPIES, {"copies": orders // there})
        # So that the models are looked up, and the copies stay in the order of their ids.
        connection.execute(text("ANALYZE copies"))
        # Building an index once takes a fraction of adding a million rows to it one by one.
        connection.execute(_INDEXES, {"are_ready": False, "names": names})
        for table, (key, others) in _COLUMNS.items():
            connection.execute(_copy(table, key, others))
        connection.execute(_SENT)
        connection.execute(_INDEXES, {"are_ready": True, "names": names})
        for name in names:
            connection.execute(text(f"REINDEX TABLE {name}"))
        connection.execute(_SOLD)
    # As autovacuum would have done long ago.
    database.execute("VACUUM ANALYZE", "CHECKPOINT")


def _copy(table: Table, key: str, others: dict[str, str]) -> TextClause:
    new = {key: "new_id", **others}
    columns = [column.name for column in table.columns]
    values = [new.get(name, f"t.{name}") for name in columns]
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM copies c JOIN {table.name} t ON t.{key} = c.old_id"
    )
