"""Poolers that lend a server's connection for one transaction: PgBouncer with `pool_mode=transaction`.

Nothing of a session stays there from one transaction to the next. So nothing is prepared, and the settings
that a server is told of at each connection, it is told at the beginning of each transaction. All else that
Willcall does ends with its transaction anyway.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, event

from db.bulk import driver_connection

_REFUSAL: Final = "unsupported startup parameter"

_refusing: Final[set[tuple[str, str]]] = set()
"""The hosts and ports where somebody does not take `options`, so that only the first connection tries."""


def keep_settings(engine: Engine, settings: Mapping[str, str]) -> None:
    """Have all transactions of the engine run with these settings of the server, by name."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    statements = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())

    def connect(dialect: Any, _: object, arguments: Any, parameters: dict[str, Any]) -> Any:
        return _connect(dialect, arguments, parameters, options)

    def begin(connection: Connection) -> None:
        driver = driver_connection(connection)
        if leads_to_pooler(driver) and not driver.autocommit:
            connection.exec_driver_sql(statements, execution_options={"no_parameters": True})

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "begin", begin)


def leads_to_pooler(connection: "psycopg.Connection[Any]") -> bool:
    """Say whether the connection leads to a pooler."""
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
    if not takes_options or _is_somebody_between(connection):
        connection.prepare_threshold = None
    return connection


def _is_somebody_between(connection: "psycopg.Connection[Any]") -> bool:
    """Say whether the id that was given for cancelling is not that of the server's process.

    A pooler makes up its own, as its client has another process for each transaction.
    """
    try:
        connection.autocommit = True
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return row != (connection.info.backend_pid,)
