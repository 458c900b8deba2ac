"""Two hosts, on each of which one process of every kind runs: what is deployed, one host after the other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.rabbitmq import free_port
from tests.system.failover.shop import KINDS, Shop


@dataclass
class Host:
    """One process of each kind, which are ended and started together."""

    shop: Shop
    port: int = field(default_factory=free_port)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when all processes are ready."""
        self._stack.enter_context(self.shop.running(*KINDS, WILLCALL_INTAKE_PORT=self.port))

    def stop(self) -> None:
        """Return when all processes have ended, as they do after SIGTERM."""
        self._stack.close()


@contextmanager
def running_hosts(*shops: Shop) -> Iterator[list[Host]]:
    """Start a host for each shop, two of the same one for example, and stop what runs of them in the end."""
    hosts = [Host(shop) for shop in shops]
    try:
        for host in hosts:
            host.start()
        yield hosts
    finally:
        for host in hosts:
            host.stop()
