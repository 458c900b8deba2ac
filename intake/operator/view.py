"""Whose data an operator sees, and how they are read: briefly, and never in the way of orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from intake.auth.keys import Caller

_BOUND: Final = text("SET LOCAL statement_timeout = '3s'")


@dataclass(frozen=True, slots=True)
class View:
    """Whose data: those of one tenant, or of all where the key is one of the operators' own tenant."""

    tenant_id: UUID | None
    tenant: str | None

    @classmethod
    def of(cls, caller: Caller, operator_tenant: str | None) -> "View":
        """Return what the caller sees; `operator_tenant` is the setting of this name."""
        if operator_tenant is not None and caller.tenant == operator_tenant:
            return cls(None, None)
        return cls(caller.tenant_id, caller.tenant)

    def restricted(self, column: str = "tenant_id") -> str:
        """Return the condition on a column of tenants' ids, to be followed by AND."""
        return "" if self.tenant_id is None else f"{column} = :tenant_id AND "

    def rows(self, connection: Connection, statement: str, **values: Any) -> list[Row[Any]]:
        """Return the rows of a statement that `restricted` is a part of."""
        own = {} if self.tenant_id is None else {"tenant_id": self.tenant_id}
        used = {name: value for name, value in {**own, **values}.items() if f":{name}" in statement}
        return list(connection.execute(text(statement), used))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one moment and ends after three seconds a statement."""
    with engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    ).begin() as opened:
        opened.execute(_BOUND)
        yield opened
