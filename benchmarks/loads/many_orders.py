"""An event with very many orders, written by SQL: what reading pages of it is measured with."""

from typing import Final

from sqlalchemy import Engine, text

_ORDERS: Final = """
    INSERT INTO orders (
        id, number, code, tenant_id, idempotency_key, status, payment_status, version, last_sequence,
        currency, subtotal, shipping, service_fee, additional_expense, tax, included_tax, discount, total,
        paid, refunded, event_id, buyer_first_name, buyer_last_name, buyer_email, created_at, updated_at
    )
    SELECT
        -- As UUIDv7: the time first, an order every ten milliseconds.
        (lpad(to_hex(1780000000000 + n * 10), 12, '0') || '7' || substr(md5('a' || n), 1, 3)
            || '8' || substr(md5('b' || n), 1, 15))::uuid,
        1000000 + n, 'C' || n, e.tenant_id, 'many-' || n, 'placed', 'unpaid', 1, 1, 'USD',
        c.price, 0, 0, 0, 0, 0, 0, c.price, 0, 0, e.external_id,
        initcap(substr(md5('f' || n % 997), 1, 6)), initcap(substr(md5('l' || n % 4999), 1, 8)),
        substr(md5('e' || n), 1, 10) || '@example.com',
        to_timestamp(1780000000 + n * 0.01), to_timestamp(1780000000 + n * 0.01)
    FROM events e JOIN ticket_classes c ON c.event_id = e.id, generate_series(1, :count) n
    WHERE c.external_id = :ticket_class
"""
_LINES: Final = """
    INSERT INTO order_lines (
        order_id, line_number, event_id, ticket_class_id, quantity, unit_price, amount, tax, rounding
    )
    SELECT o.id, 1, c.event_id, c.id, 1, c.price, c.price, 0, 0
    FROM orders o JOIN ticket_classes c ON c.tenant_id = o.tenant_id
    WHERE o.idempotency_key LIKE 'many-%' AND c.external_id = :ticket_class
"""
_TICKETS: Final = """
    INSERT INTO tickets (id, order_id, line_number, ticket_class_id, status, code, created_at)
    SELECT gen_random_uuid(), o.id, 1, l.ticket_class_id, 'valid', repeat('x', 167), o.created_at
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.idempotency_key LIKE 'many-%'
"""


def fill(engine: Engine, ticket_class: str, count: int) -> None:
    """Write `count` orders of one ticket of this ticket class, whose id is unique among the tenants."""
    with engine.begin() as connection:
        for statement in (_ORDERS, _LINES, _TICKETS):
            connection.execute(text(statement), {"count": count, "ticket_class": ticket_class})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE orders, order_lines, tickets"))
