"""A primary dies under load and its standby takes over: no confirmed order is lost, none is there twice."""

import shutil
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import pytest

from tests.factories import make_body
from tests.homes import temporary_home
from tests.processes import wait_until
from tests.rabbitmq import free_port
from tests.system.failover.bounds import ROUNDS, bound
from tests.system.failover.postgres import Server, running_pair
from tests.system.failover.shop import Buyers, Shop, running_shop
from worker.runtime import embedded

_UNNOTICED_SECONDS: Final = 2.0
"""How long it takes whoever promotes the standby to see that it has to. Longer than some buyers wait."""


@pytest.fixture
def broker_url() -> Iterator[str]:
    with temporary_home() as home, embedded.running(home, postgres=False):
        yield embedded.broker_url(home)


def url_of(*servers: Server) -> str:
    """Return the URL of the shop's database on any of the servers, in libpq's form."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://willcall@{hosts}/willcall"


def check_nothing_lost_or_doubled(buyers: Buyers, primary: Server) -> None:
    """Compare what the buyers were told with what the primary has, once nothing is under way."""
    wait_until(lambda: _missing(buyers, primary) == set(), what="an outcome of each accepted request")
    orders = dict(primary.ask("SELECT idempotency_key, id::text FROM orders", "willcall"))
    told = {one.key: one.order_id for one in buyers.confirmed}
    assert len(told) == len(buyers.confirmed)
    assert {key: orders.get(key) for key in told} == told, "a confirmed order is not there, or another one is"
    assert orders.keys() == {*told, *buyers.accepted.values()}, "nobody ordered more than what was asked for"
    (count,) = primary.ask("SELECT count(*) FROM orders", "willcall")[0]
    assert count == len(orders), "an order is there twice"
    (sold,) = primary.ask("SELECT sum(sold) FROM ticket_classes", "willcall")[0]
    (tickets,) = primary.ask("SELECT count(*) FROM tickets", "willcall")[0]
    assert sold == tickets == count
    letters = "SELECT (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM delayed_requests)"
    assert primary.ask(letters, "willcall") == [(0, 0)]
    wait_until(
        lambda: primary.ask("SELECT count(*) FROM outbox", "willcall") == [(0,)], what="a relay that gets on"
    )


def _missing(buyers: Buyers, primary: Server) -> set[str]:
    known = "SELECT id::text FROM requests UNION ALL SELECT id::text FROM request_repeats"
    return set(buyers.accepted) - {id_ for (id_,) in primary.ask(known, "willcall")}


def _gets_killed(server: Server) -> None:
    server.kill()


def _becomes_read_only(server: Server) -> None:
    # Its connections live on, and what is read there is old from the promotion on.
    server.set(default_transaction_read_only="on")


def _hangs_and_is_ended(server: Server) -> None:
    # Its connections stay open and tell nothing, until whoever promotes the standby ends the server.
    server.freeze()
    time.sleep(_UNNOTICED_SECONDS)
    server.kill()


LOSSES: Final = (_gets_killed, _becomes_read_only, _hangs_and_is_ended)


def test_a_standby_that_is_promoted_under_load_is_found(broker_url: str, tmp_path: Path) -> None:
    with running_pair() as (primary, standby):
        variables = {
            "WILLCALL_DATABASE_URL": url_of(primary, standby),
            "WILLCALL_BROKER_URL": broker_url,
            "WILLCALL_SWEEP_SECONDS": 1,
        }
        with running_shop(tmp_path, **variables) as shop:
            buyers = Buyers(shop)
            with buyers.buying():
                for round_, lose in enumerate(islice(cycle(LOSSES), ROUNDS)):
                    if round_:
                        _rebuild(standby, primary)
                    buyers.wait_for(50)
                    _fail_over(buyers, primary, standby, lose)
                    primary, standby = standby, primary
                    _come_back_read_only(shop, buyers, former=standby)
            assert "ok  writing" in shop.try_to_run("doctor").stdout
            print(f"{len(buyers.confirmed)} confirmed, {len(buyers.accepted)} accepted, {buyers.failures}")  # noqa: T201 - what a run of `make faults` tells
            check_nothing_lost_or_doubled(buyers, primary)


def _fail_over(buyers: Buyers, primary: Server, standby: Server, lose: Callable[[Server], None]) -> None:
    lose(primary)
    lost = time.monotonic()
    time.sleep(_UNNOTICED_SECONDS)
    standby.promote()
    promoted = time.monotonic()
    seconds = buyers.first_after(promoted)
    print(f"lost for {promoted - lost:.2f} s; an order was confirmed {seconds:.2f} s after the promotion")  # noqa: T201 - what a run of `make faults` tells
    assert seconds <= bound()


def _come_back_read_only(shop: Shop, buyers: Buyers, former: Server) -> None:
    """Start the former primary with what it had: nobody, old or new, takes it for the primary."""
    former.stop()
    former.start(default_transaction_read_only="on", synchronous_standby_names="")
    query = "SELECT count(*) FROM orders"
    before = former.ask(query, "willcall")
    port = free_port()
    with (
        shop.running("intake", WILLCALL_INTAKE_PORT=port),
        shop.client(f"http://127.0.0.1:{port}") as client,
    ):
        buyers.wait_for(50)
        newest = buyers.confirmed[-1]
        assert client.get(f"/v1/orders/{newest.order_id}").status_code == 200
        again = client.post("/v1/orders", json=make_body(idempotency_key=newest.key))
        assert again.json()["id"] == newest.order_id
    assert former.ask(query, "willcall") == before


def _rebuild(standby: Server, primary: Server) -> None:
    """Make a standby of the former primary, which the primary then waits for."""
    standby.kill()
    shutil.rmtree(standby.data)
    standby.make_standby_of(primary)
    standby.start()
    primary.wait_for_standby()
