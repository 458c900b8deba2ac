"""A commit whose wait for the standby is cancelled is waited for again: no order is lost with its primary."""

import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kombu import Connection

from tests.factories import make_body, make_event, make_ticket_class
from tests.homes import temporary_home
from tests.intake.cli.conftest import running_willcall
from tests.processes import wait_until
from tests.system.failover.postgres import Server, running_pair
from tests.system.failover.shop import new_shop
from tests.system.failover.test_databases import url_of
from willcall.messages import task_message
from willcall.publishing import Publisher
from willcall.queues import ORDERS
from worker.runtime import embedded
from worker.runtime.settings import Settings

_VISIBILITY_SECONDS = 5
_WAITS = "SELECT pid, xact_start::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

_ORDERS = "SELECT idempotency_key FROM orders"


@pytest.fixture
def broker_url() -> Iterator[str]:
    with temporary_home() as home, embedded.running(home, postgres=False):
        yield embedded.broker_url(home)


def test_an_order_whose_wait_is_cancelled_survives_its_primary(broker_url: str, tmp_path: Path) -> None:
    with running_pair() as (primary, standby):
        shop = new_shop(
            tmp_path,
            WILLCALL_DATABASE_URL=url_of(primary, standby),
            WILLCALL_BROKER_URL=broker_url,
            WILLCALL_VISIBILITY_TIMEOUT_SECONDS=_VISIBILITY_SECONDS,
        )
        event = make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)])
        shop.open({"tenant": "demo", "events": [event]})
        standby.kill()
        log = tmp_path / "first-worker.log"
        with running_willcall("serve", "worker", variables=shop.variables, log=log) as worker:
            _publish(broker_url, make_body(idempotency_key="mine"))
            session = _cancel_wait(primary)
            assert primary.ask(_ORDERS, "willcall") == [("mine",)]
            assert _held(broker_url) == 1
            worker.end(signal.SIGKILL)
            primary.ask(f"SELECT pg_terminate_backend({session})")
            wait_until(lambda: primary.ask(_WAITS) == [], what="the end of the killed worker's session")
            # The next one finds that all is done, and must not believe it either.
            with shop.running("worker"):
                _cancel_wait(primary)
                assert _held(broker_url) == 1

                primary.kill()
                standby.start()
                assert standby.ask(_ORDERS, "willcall") == []
                standby.promote()
                standby.reset("synchronous_standby_names")
                wait_until(
                    lambda: standby.ask(_ORDERS, "willcall") == [("mine",)], what="the order once more"
                )
                wait_until(lambda: _held(broker_url) == 0, what="an acknowledged message")


def _publish(broker_url: str, body: dict[str, object]) -> None:
    content = orjson.dumps({"requests": [{"tenant": "demo", **body}]})
    with Publisher(broker_url, Settings(broker_url=broker_url)) as publisher:
        publisher.publish([task_message("orders.create", content, queue=ORDERS, summary="…", requests=1)])


def _held(broker_url: str) -> int:
    """Return how many messages were taken and not acknowledged."""
    with Connection(broker_url) as connection:
        return int(connection.default_channel.client.hlen("unacked"))


def _cancel_wait(primary: Server) -> int:
    """Cancel the worker's wait for the standby; return its session when it waits in another transaction."""
    wait_until(lambda: len(primary.ask(_WAITS)) == 1, what="a commit that waits for the standby")
    [(pid, begun)] = primary.ask(_WAITS)
    assert primary.ask(f"SELECT pg_cancel_backend({pid})") == [(True,)]
    wait_until(
        lambda: any(other != begun for waiting, other in primary.ask(_WAITS) if waiting == pid),
        what="a wait that is taken up again",
    )
    return int(pid)
