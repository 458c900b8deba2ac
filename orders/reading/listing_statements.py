"""The statements that read the listings of an event's orders; `orders.reading.event_listings` runs them."""

from typing import Final

from sqlalchemy import TextClause, text

from orders.reading.listing import BLOCK

# The expression is the one of the index orders_search.
_FOUND: Final = """
    lower(buyer_first_name || ' ' || buyer_last_name || ' ' || buyer_email) LIKE lower(:pattern)
"""
_NAMES: Final = """
    lower(buyer_last_name) COLLATE "C" AS last_name, lower(buyer_first_name) COLLATE "C" AS first_name
"""

ALL_BY_ID: Final = text("""
    SELECT string_agg(uuid_send(order_id), ''::bytea ORDER BY order_id) AS ids
    FROM (SELECT DISTINCT order_id FROM order_lines WHERE event_id = :event_id) AS listed
""")


_OF_EVENT: Final = """
    tenant_id = :tenant_id
    AND EXISTS (SELECT FROM order_lines l WHERE l.order_id = orders.id AND l.event_id = :event_id)
"""


def _ordered(names: str, which: str) -> TextClause:
    return text(f"""
        SELECT string_agg(uuid_send(id), ''::bytea ORDER BY place) AS ids,
            string_agg(int4send(place::int), ''::bytea ORDER BY id) AS places,
            array_agg(last_name ORDER BY place) FILTER (WHERE place % {BLOCK} = 0) AS last_names,
            array_agg(first_name ORDER BY place) FILTER (WHERE place % {BLOCK} = 0) AS first_names
        FROM (
            SELECT *, row_number() OVER (ORDER BY last_name, first_name, id) - 1 AS place
            FROM (SELECT id, {names} FROM orders WHERE {which}) AS listed
        ) AS placed
    """)  # noqa: S608 - constants of this file


ALL_BY_NAME: Final = _ordered(_NAMES, _OF_EVENT)
FOUND_BY_ID: Final = _ordered("'' AS last_name, '' AS first_name", f"{_FOUND} AND {_OF_EVENT}")
FOUND_BY_NAME: Final = _ordered(_NAMES, f"{_FOUND} AND {_OF_EVENT}")
CHANGED: Final = text(
    f"SELECT id, {_NAMES}, {_FOUND} AS is_found FROM orders"  # noqa: S608 - constants of this file
    f" WHERE updated_at >= :since AND {_OF_EVENT}"
)
KEYS: Final = text(f"SELECT id, {_NAMES} FROM orders WHERE id = ANY(:ids)")  # noqa: S608 - constants of this file

# Only transactions that have written have an id: the long transactions of a backup do not count.
OLDEST_WRITER: Final = text("""
    SELECT min(xact_start) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL
""")
