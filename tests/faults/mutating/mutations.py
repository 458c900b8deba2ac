"""Safeguards switched off inside a process, to see that the oracle cries out.

Each function takes one safeguard away and leaves all else as it is. It raises `AssertionError` where the code
that it changes is not there any more: a mutation that changes nothing proves nothing.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Queue
from typing import Any, Final

from sqlalchemy import TextClause, text

MUTATIONS: Final[dict[str, Callable[[], None]]] = {}

_BETWEEN_SECONDS: Final = 0.05
"""Between two steps that were one: as long as a slow network takes."""


def mutate(name: str) -> None:
    """Switch off safeguards in this process; several names have a comma between them."""
    for one in name.split(","):
        MUTATIONS[one]()


def _mutation(function: Callable[[], None]) -> Callable[[], None]:
    MUTATIONS[function.__name__] = function
    return function


def _changed(statement: TextClause, old: str, new: str) -> TextClause:
    """Return the statement with other words in one place."""
    assert statement.text.count(old) == 1, f"{old!r} is not in {statement.text}"
    return text(statement.text.replace(old, new))


def _replace(owner: Any, name: str, new: Any) -> Any:
    """Put something else in the place of a function or a setting; return what was there."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


@_mutation
def processes_repeats() -> None:
    """A request that comes again is processed again."""
    from orders.steps import claim

    statement = _changed(
        claim._CLAIM,
        "ON CONFLICT DO NOTHING",
        # A repeat under another request id leaves the row alone: it would name an order that is not there.
        """ON CONFLICT (tenant_id, idempotency_key)
            DO UPDATE SET order_id = excluded.order_id WHERE requests.id = excluded.id""",
    )
    _replace(claim, "_CLAIM", statement)


@_mutation
def does_not_await_confirms() -> None:
    """A publish returns before the broker has the messages; whether it ever has them, nobody hears."""
    from willcall.publishing import NotConfirmed, Publisher

    underway: Queue[tuple[Any, Any]] = Queue()

    def send() -> None:
        while True:
            publisher, messages = underway.get()
            with suppress(NotConfirmed):
                publish(publisher, messages)

    publish = _replace(Publisher, "_publish", lambda self, messages: underway.put((self, messages)))
    threading.Thread(target=send, name="unconfirmed", daemon=True).start()


@_mutation
def notes_reserved_later() -> None:
    """On Redis a message is popped first, and noted as unacknowledged in a second step: as kombu does it."""
    from worker.broker.redis.source import RedisSource

    def take_now(self: Any, *arguments: Any, **options: Any) -> Any:
        taken = take(self, *arguments, **options)
        tags = [delivery.tag for delivery in taken]
        if tags:
            hash_, index = self._unacked
            notes = dict(zip(tags, self._client.hmget(hash_, tags), strict=True))
            self._client.hdel(hash_, *tags)
            self._client.zrem(index, *tags)
            time.sleep(_BETWEEN_SECONDS)
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hset(hash_, mapping=notes)
                pipeline.zadd(index, dict.fromkeys(tags, time.time()))
                pipeline.execute()
        return taken

    take = _replace(RedisSource, "_take_now", take_now)


@_mutation
def acknowledges_first() -> None:
    """Messages are acknowledged before their effects are committed."""
    from worker.batching import BulkConsumer

    def acknowledge_and_process(self: Any, source: Any, batch: Any) -> bool:
        source.acknowledge(batch)
        process(self, source, batch)
        return False  # nothing is left to acknowledge

    process = _replace(BulkConsumer, "_process", acknowledge_and_process)


@_mutation
def reads_stock_without_lock() -> None:
    """What is free of a ticket class is read, and its row not locked."""
    from orders.inventory import lock

    _replace(lock, "_LOCK_TICKET_CLASSES", _changed(lock._LOCK_TICKET_CLASSES, " FOR NO KEY UPDATE", ""))


@_mutation
def reads_promo_codes_without_lock() -> None:
    """How often a promo code may still be used is read, and its row not locked."""
    from orders.inventory import lock

    _replace(lock, "_LOCK_PROMO_CODES", _changed(lock._LOCK_PROMO_CODES, " FOR NO KEY UPDATE", ""))


@_mutation
def forgets_late_holds() -> None:
    """What a hold holds whose time is over is not given back."""
    from orders.inventory import lock

    none = _changed(lock._LOCK_LATE_HOLDS, "h.status = 'held'", "h.status = 'none'")
    _replace(lock, "_LOCK_LATE_HOLDS", none)


@_mutation
def reads_orders_without_lock() -> None:
    """An order is read to be changed, and its row not locked."""
    from orders import read_rows

    _replace(read_rows, "_LOCK", _changed(read_rows._LOCK, "FOR NO KEY UPDATE OF o", ""))


@_mutation
def relays_take_any_event() -> None:
    """A relay takes each event message that no other relay has, whatever comes before it in its subject."""
    from orders import outbox

    _, found, rest = outbox._CLAIM.text.partition(")\n    SELECT o.subject")
    assert found
    each = """
        WITH claimed AS MATERIALIZED (
            SELECT subject, sequence, bytes FROM outbox
            WHERE subject > :after AND cardinality(CAST(:but_types AS text[])) = 0
            ORDER BY subject, sequence LIMIT :limit FOR UPDATE SKIP LOCKED
    """
    _replace(outbox, "_CLAIM", text(each + found + rest))


@_mutation
def marks_before_it_publishes() -> None:
    """A relay takes event messages out of the outbox, commits, and publishes them then."""
    from orders.outbox import claim_unsent, mark_sent
    from tasks import relay as relaying
    from tasks.relay_group import Relayed, relay_group
    from tasks.resources import publisher
    from tasks.transactions import transaction

    def relay(after: Any, waiting: Any) -> Any:
        with transaction() as connection:
            messages = claim_unsent(
                connection,
                after=after,
                limit=relaying._GROUP,
                max_bytes=relaying._GROUP_BYTES,
                but_types=waiting,
            )
            if not messages:
                return [], Relayed()
            mark_sent(connection, messages)
        time.sleep(_BETWEEN_SECONDS)
        return messages, relay_group(publisher(), messages)

    _replace(relaying, "_relay_group", relay)


@_mutation
def prices_with_todays_catalogue() -> None:
    """A line that an update names costs what the catalogue says today, not what it was sold at."""
    from orders.changing import set_lines

    def at_todays_price(change: Any, line: Any, patched: Any, offer: Any, index: int) -> Any:
        line = at_agreed_price(change, line, patched, offer, index)
        return line._replace(unit_price=offer.price) if patched.unit_price is None else line

    at_agreed_price = _replace(set_lines, "_at_agreed_price", at_todays_price)


@_mutation
def blames_requests() -> None:
    """Whatever fails is the request's fault, the database's state as well: nothing waits until it is over."""
    from db.failures import Fault
    from tasks import transactions
    from worker import batching

    _replace(transactions, "fault_of", lambda error: Fault.STATEMENT)
    _replace(transactions, "find_trouble", lambda engine: None)
    _replace(batching, "_LONGEST_WAIT_SECONDS", batching._FIRST_WAIT_SECONDS)


@_mutation
def claims_at_the_end() -> None:
    """The inbox is asked who is new, and told of it only before all is written: nobody waits for anybody.

    What fences a worker that is late is that its claim, made first, is in the way of whoever does its work
    meanwhile, until its session is ended, and all that it did with it.
    """
    import orders.steps.write
    from orders.steps import claim

    asked = text("""
        SELECT DISTINCT ON (n.tenant_id, n.key) n.id::text, n.tenant_id::text, n.key AS idempotency_key,
            CASE WHEN n.kind = 'orders.create' AND n.order_id IS NOT NULL THEN nextval('order_numbers') END
                AS order_number
        FROM unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[]),
            CAST(:kinds AS text[]), CAST(:order_ids AS uuid[])) AS n (id, tenant_id, key, kind, order_id)
        WHERE NOT EXISTS (
            SELECT FROM requests r WHERE r.tenant_id = n.tenant_id AND r.idempotency_key = n.key)
    """)
    batch = threading.local()

    def ask(connection: Any, opened: Any, now: Any) -> Any:
        asking = _Asking(connection, asked)
        claimed = insert(asking, opened, now)
        batch.claims = asking.parameters
        return claimed

    def claim_and_lock(connection: Any, *arguments: Any) -> None:
        connection.execute(claims, batch.claims)
        lock_late(connection, *arguments)

    claims = claim._CLAIM
    insert = _replace(claim, "_insert", ask)
    lock_late = _replace(orders.steps.write, "lock_late", claim_and_lock)


class _Asking:
    """A connection that executes another statement, and remembers the parameters."""

    def __init__(self, connection: Any, statement: TextClause) -> None:
        self._connection = connection
        self._statement = statement
        self.parameters: Any = None

    def execute(self, statement: Any, parameters: Any) -> Any:
        self.parameters = parameters
        return self._connection.execute(self._statement, parameters)


@_mutation
def forgets_no_session() -> None:
    """The session of a worker that stands still in its transaction is not ended."""
    from tasks import resources

    def make_engine(*arguments: Any, idle_seconds: float, **options: Any) -> Any:
        return make(*arguments, **options)

    make = _replace(resources, "make_engine", make_engine)


@_mutation
def commits_claims_first() -> None:
    """The inbox is told of requests in a transaction of its own, before that of their effects."""
    from orders import process

    def claim_and_commit(connection: Any, *arguments: Any) -> Any:
        claimed = claim(connection, *arguments)
        connection.exec_driver_sql("COMMIT")
        return claimed

    claim = _replace(process, "claim", claim_and_commit)
