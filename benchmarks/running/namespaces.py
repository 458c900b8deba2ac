"""Several hosts on one machine: network namespaces on a bridge, each with its address (Linux, root)."""

import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

# RFC 2544 keeps 198.18.0.0/15 for benchmarks: no other network has it.
_NETWORK: Final = "198.18"


class NoNamespaces(Exception):
    """Hosts cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host."""

    name: str
    address: str


class Network:
    """A bridge with hosts; the end of the block removes them, and nothing else."""

    def __init__(self, hosts: int) -> None:
        self._stack = ExitStack()
        self._count = hosts
        self.address = ""
        """Of the machine itself, on which the servers listen."""
        self.hosts: list[Host] = []

    @property
    def subnet(self) -> str:
        """Return the addresses of the machine and its hosts."""
        return f"{self.address.rpartition('.')[0]}.0/24"

    def __enter__(self) -> Self:
        if shutil.which("ip") is None:
            raise NoNamespaces("the command `ip` (iproute2) is missing")
        if os.geteuid() != 0:
            raise NoNamespaces("network namespaces can be made by root only")
        try:
            self._make()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _make(self) -> None:
        bridge = f"wc{os.getpid()}"
        self.address = _free_address()
        _ip("link", "add", bridge, "type", "bridge")
        self._stack.callback(_ip, "link", "delete", bridge)
        _ip("address", "add", f"{self.address}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number in range(self._count):
            self.hosts.append(self._host(bridge, number))

    def _host(self, bridge: str, number: int) -> Host:
        host = Host(f"{bridge}-{number}", f"{self.address.rpartition('.')[0]}.{number + 11}")
        cable = f"{bridge}v{number}"
        _ip("netns", "add", host.name)
        self._stack.callback(_ip, "netns", "delete", host.name)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        # The namespace would take it along, but later: its name would still be in use.
        self._stack.callback(_ip, "link", "delete", cable)
        _ip("link", "set", cable, "master", bridge, "up")
        _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", host.name, "link", "set", device, "up")
        return host


def _free_address() -> str:
    """Return the first address of a subnet that no other run has."""
    for offset in range(256):
        subnet = f"{_NETWORK}.{(os.getpid() + offset) % 256}"
        if not _ip("-brief", "address", "show", "to", f"{subnet}.0/24"):
            return f"{subnet}.1"
    raise NoNamespaces(f"all of {_NETWORK}.0.0/16 is in use")


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoNamespaces(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout
