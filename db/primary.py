"""Finding the primary among several servers, also after a failover.

libpq tries the hosts in order and takes the first that is writable (`target_session_attrs`). This module adds
what it lacks: it remembers the host that was found, and drops connections to a server that became read-only.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError

from db.failures import sqlstate_of
from worker.runtime.database_url import ATTRIBUTES

_READ_ONLY: Final = "25006"

# Parameters whose changes a server reports with its next answer (PostgreSQL, "Asynchronous Operations").
_SIGNS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "read-write": (b"in_hot_standby", b"default_transaction_read_only"),
    "primary": (b"in_hot_standby",),
}

_found: Final[dict[tuple[str, str], int]] = {}
"""The index of the last good host, by hosts and ports; shared by all engines of a process."""


def keep_to_the_primary(engine: Engine) -> None:
    """Connect the engine to a writable server, also after a failover."""
    event.listen(engine, "handle_error", _leave_read_only)
    if signs := _SIGNS.get(str(engine.url.query.get(ATTRIBUTES))):
        event.listen(engine, "checkout", _leave_former(signs))
    if has_several_hosts(engine.url):
        event.listen(engine, "do_connect", _last_good_first)
        event.listen(engine, "connect", _remember(engine.url))


def has_several_hosts(url: URL) -> bool:
    """Tell whether the URL names several servers, in the form of `worker.runtime.database_url`."""
    return "," in str(url.query.get("host", ""))


def _leave_read_only(context: ExceptionContext) -> None:
    """Discard all connections of the pool when a server refuses a change as read-only."""
    # New connections find the primary: at another host, another address, or the same.
    if sqlstate_of(context.original_exception) == _READ_ONLY:
        context.is_disconnect = True


def _leave_former(signs: tuple[bytes, ...]) -> Callable[[psycopg.Connection[Any], object, object], None]:
    """Discard connections whose server has reported that it is a standby, or read-only."""

    def check(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
        if any(connection.pgconn.parameter_status(sign) == b"on" for sign in signs):
            raise InvalidatePoolError("the server is no longer writable")

    return check


def _last_good_first(_: object, __: object, ___: object, parameters: dict[str, Any]) -> None:
    """Put the last good host first: a hanging one costs each new connection its timeout."""
    hosts, ports = parameters["host"].split(","), parameters["port"].split(",")
    first = _found.get((parameters["host"], parameters["port"]), 0)
    order = [first, *(index for index in range(len(hosts)) if index != first)]
    parameters["host"] = ",".join(hosts[index] for index in order)
    parameters["port"] = ",".join(ports[index] for index in order)


def _remember(url: URL) -> Callable[[psycopg.Connection[Any], object], None]:
    """Return a listener that remembers the host of a new connection."""
    hosts, ports = str(url.query["host"]), str(url.query["port"])
    places = list(zip(hosts.split(","), ports.split(","), strict=True))

    def remember(connection: psycopg.Connection[Any], _record: object) -> None:
        found = (connection.info.host, str(connection.info.port))
        if found in places:
            _found[hosts, ports] = places.index(found)

    return remember
