"""Rules of money: the amounts of an order against its lines and its payments."""

from typing import Final

from orders.upkeep.reconciliation.rules import Look, Rule

# The tax of each line by its rule of the sale, as `orders.money.pricing` computes it. PostgreSQL divides to
# 16 significant digits, or to the decimals of its operands: 28 are enough for any amount.
_LINES: Final = """
    SELECT l.order_id, l.line_number, l.amount, l.tax, l.rounding, l.tax_is_included,
        o.given_tax IS NOT NULL AS is_given, l.tax_rounding <> 'line' AS is_by_sum,
        sold.gross - sold.net AS included_tax, round(sold.gross * l.tax_rate, m.digits) AS added_tax,
        sum(l.tax) OVER event AS event_tax,
        CASE WHEN l.tax_is_included AND l.tax_rounding = 'sum_by_net_keep_gross'
            THEN sum(sold.gross) OVER event - round(sum(sold.gross) OVER event / (1 + l.tax_rate), m.digits)
            ELSE round(sum(sold.net) OVER event * l.tax_rate, m.digits) END AS right_event_tax
    FROM orders o
    JOIN order_lines l ON l.order_id = o.id
    LEFT JOIN unnest(CAST(:currencies AS text[]), CAST(:digits AS int[])) AS m (currency, digits)
        ON m.currency = o.currency
    CROSS JOIN LATERAL (
        SELECT amount AS gross,
            CASE WHEN l.tax_is_included THEN round(amount / (1 + l.tax_rate), m.digits) ELSE amount END AS net
        FROM CAST(l.unit_price * l.quantity AS numeric(58, 28)) AS amount
    ) AS sold
    WHERE o.id > :after AND o.id <= :upto AND l.order_id > :after AND l.order_id <= :upto
    WINDOW event AS (PARTITION BY l.order_id, l.event_id, l.tax_rate, l.tax_is_included, l.tax_rounding)
"""

_SUMS: Final = f"""
    SELECT order_id, sum(amount) AS amount,
        COALESCE(sum(tax) FILTER (WHERE NOT tax_is_included OR tax_is_included IS NULL), 0) AS tax,
        COALESCE(sum(tax) FILTER (WHERE tax_is_included), 0) AS included_tax,
        -- What was spread to a line is in its tax. A tax that the producer gave stands in the order alone.
        min(line_number) FILTER (WHERE
            abs(tax - CASE tax_is_included WHEN true THEN included_tax WHEN false THEN added_tax ELSE 0 END)
                > abs(rounding)
            AND NOT (is_given AND tax = 0)) AS wrong_line,
        min(line_number) FILTER (WHERE is_by_sum AND NOT is_given AND event_tax <> right_event_tax)
            AS wrong_event_line,
        -- Sold by the line, before the event's rule had a sum: the order was moved to a newer schema.
        bool_and(rounding = 0) AS is_unspread
    FROM ({_LINES}) AS line GROUP BY order_id
"""  # noqa: S608

_FACTS: Final = f"""
    SELECT o.id AS subject, o.tenant_id, o.status, o.payment_status, o.paid_in_full_at, o.cancelled_at,
        o.expires_at, o.payment_due_at, o.total, o.paid, o.refunded, o.subtotal, o.tax, o.included_tax,
        o.given_tax,
        o.subtotal + o.shipping + o.service_fee + o.additional_expense + o.tax - o.discount AS parts,
        COALESCE(l.amount, 0) AS lines, COALESCE(l.tax, 0) AS lines_tax,
        COALESCE(l.included_tax, 0) AS lines_included_tax,
        COALESCE(l.wrong_line, CASE WHEN NOT l.is_unspread
            OR o.tax + o.included_tax <> l.tax + l.included_tax THEN l.wrong_event_line END) AS wrong_line,
        COALESCE(p.paid, 0) AS payments, COALESCE(p.refunded, 0) AS refunds,
        p.count AS payment_count, p.last AS last_payment
    FROM orders o
    LEFT JOIN ({_SUMS}) AS l ON l.order_id = o.id
    LEFT JOIN (
        SELECT order_id, count(*) AS count, max(payment_number) AS last,
            sum(amount) FILTER (WHERE status = 'completed' AND NOT is_refund) AS paid,
            sum(amount) FILTER (WHERE status = 'completed' AND is_refund) AS refunded
        FROM payments WHERE order_id > :after AND order_id <= :upto GROUP BY order_id
    ) AS p ON p.order_id = o.id
    WHERE o.id > :after AND o.id <= :upto
"""  # noqa: S608


def _status(paid: str, refunded: str) -> str:
    """Return the SQL of `orders.money.payments.payment_status`."""
    return f"""CASE
        WHEN {refunded} > 0 AND {refunded} >= {paid} THEN 'refunded'
        WHEN {paid} - {refunded} >= total THEN 'paid'
        WHEN {paid} > {refunded} THEN 'partially_paid' ELSE 'unpaid' END"""


_FOLLOWS: Final = f"payment_status IN ({_status('paid', 'refunded')}, {_status('payments', 'refunds')})"

# A cancelled order without payments keeps its status: `paid` if it was free. Otherwise the status follows the
# amounts. If the order's own amounts differ from its payments, which another rule finds, both are accepted.
_WRONG_STATUS: Final = f"""
    CASE WHEN (status <> 'placed' OR cancelled_at IS NOT NULL) AND least(paid, payments) = 0
        THEN payment_status <> 'unpaid' AND (payment_status <> 'paid' OR paid_in_full_at IS NULL)
            AND (paid = payments OR NOT {_FOLLOWS})
        ELSE NOT {_FOLLOWS} END
    OR (status = 'refunded') <> (status <> 'placed' AND payment_status = 'refunded')
"""

_EXPIRES: Final = "CASE WHEN paid_in_full_at IS NULL AND cancelled_at IS NULL THEN payment_due_at END"

_FOLLOWS_PAYMENTS: Final = "paid = payments AND refunded = refunds"

MONEY: Final = Look(
    _FACTS,
    (
        Rule(
            "total_differs_from_lines",
            "subtotal <> lines",
            "'subtotal is ' || subtotal || ', its lines make ' || lines",
        ),
        Rule(
            "paid_differs_from_payments",
            "paid <> payments",
            "'paid is ' || paid || ', its payments make ' || payments",
        ),
        Rule(
            "refunded_differs_from_refunds",
            "refunded <> refunds",
            "'refunded is ' || refunded || ', its refunds make ' || refunds",
        ),
        Rule(
            "payment_missing",
            f"payment_count <> last_payment AND {_FOLLOWS_PAYMENTS}",
            "'its last payment has number ' || last_payment || ', there are ' || payment_count",
        ),
        Rule(
            "wrong_payment_status",
            _WRONG_STATUS,
            "'payment_status is ' || payment_status || ' in status ' || status || ', with a total of '"
            " || total || ', ' || paid || ' paid and ' || refunded || ' refunded'",
        ),
        Rule(
            "balance_does_not_follow",
            f"total <> parts OR (refunded > paid AND {_FOLLOWS_PAYMENTS})",
            "'total is ' || total || ' and its parts make ' || parts || '; ' || paid || ' was paid and '"
            " || refunded || ' refunded'",
        ),
        Rule(
            "wrong_line_tax",
            "wrong_line IS NOT NULL",
            "'the tax of line ' || wrong_line || ' is not what its tax rule gives'",
        ),
        Rule(
            "tax_differs_from_lines",
            """wrong_line IS NULL AND CASE WHEN given_tax IS NULL
                THEN tax <> lines_tax OR included_tax <> lines_included_tax
                ELSE tax <> given_tax OR included_tax <> 0 END""",
            "'tax is ' || tax || ' and included_tax ' || included_tax || ', its lines make ' || lines_tax"
            " || ' and ' || lines_included_tax || COALESCE(', its producer gave ' || given_tax, '')",
        ),
        Rule(
            "expires_at_does_not_follow",
            f"expires_at IS DISTINCT FROM {_EXPIRES}",
            f"'expires_at is ' || COALESCE(expires_at::text, 'null') || ', it should be '"
            f" || COALESCE(({_EXPIRES})::text, 'null')",
        ),
    ),
)
