"""The two doors, intake and Flower: whether their ports are free, and whether they answer."""

import errno
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Final

from intake.cli.failures import CommandFailed
from intake.cli.processes.supervisor import Print
from worker.runtime.settings import Settings

_ASK_EVERY: Final = 0.5
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the address to call when it listens there


@dataclass(frozen=True, slots=True)
class Door:
    """A door's address, and the path that answers when it is open."""

    name: str
    host: str
    port: int
    setting: str
    health: str

    @property
    def url(self) -> str:
        """Return its URL on this machine."""
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def doors_of(settings: Settings) -> list[Door]:
    """Return the doors that the settings describe."""
    return [
        Door("intake", settings.intake_host, settings.intake_port, "WILLCALL_INTAKE_PORT", "/healthz"),
        Door("Flower", settings.flower_host, settings.flower_port, "WILLCALL_FLOWER_PORT", "/healthcheck"),
    ]


def check_free(door: Door) -> None:
    """Raise `CommandFailed` if a port is already taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            door.host, door.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: lingering connections of a former server are no reason to wait.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise cannot_listen(door, error) from error


def cannot_listen(door: Door, error: OSError) -> CommandFailed:
    """Return the error for a door that cannot be opened."""
    if error.errno == errno.EADDRINUSE:
        reason = f"port {door.port} of {door.host} is taken: stop what listens there, or set {door.setting}"
    else:
        reason = f"cannot listen on {door.host}, port {door.port}: {error.strerror}"
    return CommandFailed(f"{door.name} cannot start: {reason}")


class Doorkeeper:
    """Polls the doors until each has answered, then prints that once."""

    def __init__(self, settings: Settings, show: Print) -> None:
        self._settings = settings
        self._show = show
        self._closed = doors_of(settings)
        self._asked_at = 0.0

    def look(self) -> None:
        """Poll the doors that have not answered yet; called several times a second."""
        if not self._closed or time.monotonic() - self._asked_at < _ASK_EVERY:
            return
        self._closed = [door for door in self._closed if not _answers(door)]
        self._asked_at = time.monotonic()
        if not self._closed:
            for door in doors_of(self._settings):
                self._show("willcall", f"{door.name}: {door.url}")
            self._show("willcall", "ready; Ctrl-C stops everything")


def _answers(door: Door) -> bool:
    try:
        with urllib.request.urlopen(door.url + door.health, timeout=1):  # noqa: S310 - the URL is http
            return True
    except (OSError, urllib.error.HTTPError):
        return False
