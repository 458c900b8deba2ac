"""Common parts of the tables: the names of constraints, and columns for times and amounts."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    MetaData,
    Numeric,
    Sequence,
)

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

MAX_NUMBER: Final = 2**40 - 1
"""The last order number: a code of eight letters can name 2^40 orders."""

order_numbers: Final = Sequence("order_numbers", metadata=metadata, maxvalue=MAX_NUMBER)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def amount(name: str) -> Column[object]:
    return Column(name, Numeric, nullable=False)


def in_range(*names: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{name} >= 0 AND {name} < 1e18" for name in names), name="amounts")
