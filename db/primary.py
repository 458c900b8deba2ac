"""Which of several servers is the primary: who was it last, and who is it no more.

libpq tries the hosts in their order and takes the first that can be written to (`target_session_attrs`). Here
is what it does not do: it forgets whom it found, and never looks again at a server that it is connected to.
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

# What a server tells by itself, with its next answer, when it has changed (PostgreSQL, "Asynchronous
# Operations").
_SIGNS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "read-write": (b"in_hot_standby", b"default_transaction_read_only"),
    "primary": (b"in_hot_standby",),
}

_found: Final[dict[tuple[str, str], int]] = {}
"""The position of the last good host among these hosts and ports. All engines of a process share it."""


def keep_to_the_primary(engine: Engine) -> None:
    """Have the engine's connections lead to a server that can be written to, also after a failover."""
    event.listen(engine, "handle_error", _leave_read_only)
    if signs := _SIGNS.get(str(engine.url.query.get(ATTRIBUTES))):
        event.listen(engine, "checkout", _leave_former(signs))
    if has_several_hosts(engine.url):
        event.listen(engine, "do_connect", _last_good_first)
        event.listen(engine, "connect", _remember(engine.url))


def has_several_hosts(url: URL) -> bool:
    """Say whether the URL names several servers, in the form of `worker.runtime.database_url`."""
    return "," in str(url.query.get("host", ""))


def _leave_read_only(context: ExceptionContext) -> None:
    """Throw away all connections of the pool when a server turns out to take no changes (any more)."""
    # The next ones lead to the primary, whether it has another host, another address or the same again.
    if sqlstate_of(context.original_exception) == _READ_ONLY:
        context.is_disconnect = True


def _leave_former(signs: tuple[bytes, ...]) -> Callable[[psycopg.Connection[Any], object, object], None]:
    """Throw away connections whose server has said meanwhile that it is a standby, or read-only."""

    def check(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
        if any(connection.pgconn.parameter_status(sign) == b"on" for sign in signs):
            raise InvalidatePoolError("the server cannot be written to any more")

    return check


def _last_good_first(_: object, __: object, ___: object, parameters: dict[str, Any]) -> None:
    """Put the last good host before the others: what hangs costs the time limit of each new connection."""
    hosts, ports = parameters["host"].split(","), parameters["port"].split(",")
    first = _found.get((parameters["host"], parameters["port"]), 0)
    order = [first, *(index for index in range(len(hosts)) if index != first)]
    parameters["host"] = ",".join(hosts[index] for index in order)
    parameters["port"] = ",".join(ports[index] for index in order)


def _remember(url: URL) -> Callable[[psycopg.Connection[Any], object], None]:
    """Remember which of the hosts a new connection has found."""
    hosts, ports = str(url.query["host"]), str(url.query["port"])
    places = list(zip(hosts.split(","), ports.split(","), strict=True))

    def remember(connection: psycopg.Connection[Any], _record: object) -> None:
        found = (connection.info.host, str(connection.info.port))
        if found in places:
            _found[hosts, ports] = places.index(found)

    return remember
