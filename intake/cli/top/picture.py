"""The picture of one moment, from the database and the broker."""

import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kombu import Connection as BrokerConnection
from sqlalchemy import Engine, Row

from db.ids import is_dated, time_of
from intake.cli.top.asking import Asked
from intake.monitoring.workers import Workers, WorkerState
from intake.operator.figures import WINDOW, Figures, read_figures
from intake.operator.sales import list_best_sellers
from intake.operator.view import View, reading
from willcall.connections import open_connection
from willcall.queues import DOCUMENTS, MAINTENANCE, OUTBOX, is_amqp
from worker.broker.depths import depth_of_orders, depths_of
from worker.runtime.settings import Settings

_ALL: Final = View(None, None)
_BROKER_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 10.0
_MOST_CLASSES: Final = 8
_MOST_PEEKS: Final = 16


@dataclass(frozen=True, slots=True)
class Business:
    """Figures from the database."""

    figures: Figures
    best_sellers: list[Row[Any]]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Figures from the broker and the workers."""

    orders: dict[str, int]
    """Waiting messages by queue: `orders`, and each share that has any."""
    others: dict[str, int]
    oldest_seconds: float | None
    """Age of the oldest waiting request; None if nothing waits or the broker does not show messages."""
    is_oldest_known: bool
    workers: list[WorkerState]


class Picture:
    """Both as far as they are known, and otherwise the reason."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._workers = Workers(settings)
        self.business = Asked(self._ask_database)
        self.traffic = Asked(self._ask_broker)
        self.at = datetime.now(UTC)

    def refresh(self, *, is_only_one: bool = False) -> None:
        """Poll both again; wait for the answers if there will be no later picture."""
        for asked in (self.business, self.traffic):
            asked.again()
        if is_only_one:
            for asked in (self.business, self.traffic):
                asked.again(wait_seconds=_PATIENCE_SECONDS)
        self.at = datetime.now(UTC)

    def to_json(self) -> dict[str, Any]:
        """Return the picture for programs; unknown values are null, with a reason."""
        business, traffic = self.business.answer, self.traffic.answer
        return {
            "at": self.at,
            "database_trouble": self.business.trouble,
            "broker_trouble": self.traffic.trouble,
            "orders_per_second": business and business.figures.orders_per_second,
            "outcomes": business
            and [
                {"kind": row.kind, "status": row.status, "count": row._mapping["count"]}
                for row in business.figures.outcomes
            ],
            "refusals": business
            and [
                {"code": row.code, "count": row._mapping["count"], "example": row.example}
                for row in business.figures.refusals
            ],
            "unsent_events": business and business.figures.unsent_events,
            "unsent_seconds": business and business.figures.unsent_seconds,
            "delayed": business and business.figures.delayed,
            "early": business and business.figures.early,
            "dead_letters": business and business.figures.dead_letters,
            "discrepancies": business and business.figures.discrepancies,
            "best_sellers": business and [dict(row._mapping) for row in business.best_sellers],
            "queued": traffic and {**traffic.orders, **traffic.others},
            "oldest_seconds": traffic and traffic.oldest_seconds,
            "workers": traffic and [asdict(worker) for worker in traffic.workers],
        }

    def _ask_database(self) -> Business:
        now = datetime.now(UTC)
        with reading(self._engine) as connection:
            return Business(
                read_figures(connection, _ALL, now),
                list_best_sellers(connection, _ALL, now - WINDOW, limit=_MOST_CLASSES),
            )

    def _ask_broker(self) -> Traffic:
        url = self._settings.broker()
        with open_connection(url, self._settings, seconds=_BROKER_SECONDS) as connection:
            orders = depth_of_orders(connection)
            others = depths_of(connection, (OUTBOX, MAINTENANCE, DOCUMENTS))
            oldest = None if is_amqp(url) else _oldest_seconds(connection, orders)
        return Traffic(orders, others, oldest, not is_amqp(url), list(self._workers.look()))


def _oldest_seconds(connection: BrokerConnection, orders: dict[str, int]) -> float | None:
    """Return the age of the oldest request at the heads of the longest queues, by the time in its id."""
    client = connection.default_channel.client
    longest = sorted((name for name in orders if orders[name]), key=lambda name: -orders[name])[:_MOST_PEEKS]
    moments = []
    for name in longest:
        moment = _moment_of(client.lindex(name, -1))
        if moment is not None:
            moments.append(moment)
    return max(datetime.now(UTC).timestamp() - min(moments), 0.0) if moments else None


def _moment_of(message: bytes | None) -> float | None:
    # Anybody may send to the queue: ids that are not ours hold no time.
    with suppress(ValueError, KeyError, TypeError, IndexError, AttributeError):
        [_, arguments, _] = json.loads(b64decode(json.loads(message or b"")["body"]))
        id_ = arguments["requests"][0]["request_id"]
        return time_of(id_) / 1_000 if is_dated(id_) else None
    return None
