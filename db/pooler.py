"""Poolers that lend a server connection for one transaction: PgBouncer with `pool_mode=transaction`.

A session's state does not survive a transaction there. So no statement is prepared, and the settings that are
otherwise sent with each connection are sent at the beginning of each transaction. Everything else that
Willcall does ends with its transaction.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, event

from db.bulk import driver_connection

_REFUSAL: Final = "unsupported startup parameter"

_refusing: Final[set[tuple[str, str]]] = set()
"""The hosts and ports that refuse `options`, so that only the first connection tries them."""


def keep_settings(engine: Engine, settings: Mapping[str, str]) -> None:
    """Run all transactions of the engine with these server settings, by name."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    statements = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())

    def connect(dialect: Any, _: object, arguments: Any, parameters: dict[str, Any]) -> Any:
        return _connect(dialect, arguments, parameters, options)

    def begin(connection: Connection) -> None:
        driver = driver_connection(connection)
        if is_through_pooler(driver) and not driver.autocommit:
            connection.exec_driver_sql(statements, execution_options={"no_parameters": True})

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "begin", begin)


def is_through_pooler(connection: "psycopg.Connection[Any]") -> bool:
    """Tell whether the connection goes through a pooler."""
    return connection.prepare_threshold is None


def _connect(
    dialect: Any, arguments: Any, parameters: Mapping[str, Any], options: str
) -> "psycopg.Connection[Any]":
    place = (str(parameters.get("host")), str(parameters.get("port")))
    connection: psycopg.Connection[Any] | None = None
    if place not in _refusing:
        try:
            whole = " ".join(filter(None, [parameters.get("options"), options]))
            connection = dialect.connect(*arguments, **{**parameters, "options": whole})
        except psycopg.OperationalError as error:
            if _REFUSAL not in str(error):
                raise
            _refusing.add(place)
    takes_options = connection is not None
    if connection is None:
        connection = dialect.connect(*arguments, **parameters)
    if not takes_options or _is_pooler_between(connection):
        connection.prepare_threshold = None
    return connection


def _is_pooler_between(connection: "psycopg.Connection[Any]") -> bool:
    """Tell whether the process id for cancelling differs from that of the server's process.

    A pooler generates its own id, as each transaction may use another server process.
    """
    try:
        connection.autocommit = True
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return row != (connection.info.backend_pid,)
