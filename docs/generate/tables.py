"""The page of the tables, as a diagram."""

from typing import Final

from sqlalchemy import Table

from db import tables

_PAGE: Final = """# Tables

Each box is a table with its primary key; a line leads to a table from the one that its foreign key names. The
repository's web view draws the diagram; elsewhere it reads as text: `orders ||--o{ payments` is "an order has
any number of payments". Columns that name a row without a foreign key have no line. This page is made by
`make reference`; do not edit it.

```mermaid
erDiagram
"""


def tables_page() -> str:
    """Return the page: first the lines, then the boxes."""
    made: list[Table] = list(tables.metadata.sorted_tables)
    lines = sorted(
        f"    {key.referred_table.name} ||--o{{ {table.name} : {'_and_'.join(key.column_keys)}\n"
        for table in made
        for key in table.foreign_key_constraints
    )
    boxes = [_box(table) for table in sorted(made, key=lambda table: table.name)]
    return _PAGE + "".join([*lines, *boxes]) + "```\n"


def _box(table: Table) -> str:
    columns = "".join(
        f"        {_type(column.type.compile())} {column.name} PK\n" for column in table.primary_key
    )
    return f"    {table.name} {{\n{columns}    }}\n"


def _type(sql: str) -> str:
    return sql.lower().partition("(")[0].replace(" ", "_")
