"""Everything is restarted under load: producers see nothing that they cannot send again."""

from functools import partial

from sqlalchemy import Engine

from tests.brokers import RABBITMQ, Broker
from tests.customers import Customers, make_catalogue
from tests.system.deploys.extent import long_only, on
from tests.system.deploys.hosts import running_hosts
from tests.system.deploys.producers import Ledger, two_doors
from tests.system.failover.shop import new_shop


@long_only
@on(RABBITMQ)
def test_hosts_are_restarted_in_turn_and_nobody_notices(broker: Broker, engine: Engine) -> None:
    shop = new_shop(broker.folder, **broker.environment)
    shop.open(make_catalogue())
    ledger = Ledger()
    with running_hosts(shop, shop) as hosts:
        customers = Customers(partial(two_doors, [host.url for host in hosts], shop.key, ledger))
        with customers.coming():
            customers.wait_for(20)
            for host in hosts:
                host.stop()
                customers.wait_for(10)
                host.start()
                customers.wait_for(10)
        print(f"{len(ledger.answers)} requests, {dict(ledger.retryable)}")  # noqa: T201 - for whoever runs it alone
        assert ledger.retryable["refused"], "a host was away, and nobody noticed that"
        ledger.check(engine)
