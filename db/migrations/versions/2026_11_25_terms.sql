-- The tax rule that a line was sold on; the event's own may change afterwards.
ALTER TABLE order_lines
ADD COLUMN tax_rate numeric,
ADD COLUMN tax_is_included boolean,
ADD COLUMN tax_rounding text;

-- The rows show what was sold. The event's rule of today is taken where it gives the line's tax; where it does
-- not, a rate that does. A line without tax was sold without a rule, unless the producer gave the order's tax.
UPDATE order_lines SET
    tax_rate = sold.rate,
    tax_is_included = sold.is_included,
    tax_rounding = sold.rounding
FROM (
    SELECT l.order_id, l.line_number, COALESCE(e.tax_rounding, 'line') AS rounding,
        CASE WHEN rule.fits THEN e.tax_is_included ELSE rule.was_included END AS is_included,
        CASE
            WHEN rule.fits THEN e.tax_rate
            WHEN rule.was_included THEN l.tax / (l.amount - l.tax)
            ELSE l.tax / l.amount
        END AS rate
    FROM order_lines l
    JOIN orders o ON o.id = l.order_id
    JOIN events e ON e.id = l.event_id
    CROSS JOIN LATERAL (
        SELECT
            o.included_tax > 0 AND o.tax = 0 AS was_included,
            e.tax_rate IS NOT NULL AND (o.given_tax IS NOT NULL OR abs(l.tax - CASE
                WHEN e.tax_is_included THEN l.amount - round(l.amount / (1 + e.tax_rate), scale(o.total))
                ELSE round(l.amount * e.tax_rate, scale(o.total))
            END) <= abs(l.rounding)) AS fits
    ) AS rule
    WHERE rule.fits OR (l.tax > 0 AND l.amount > l.tax)
) AS sold
WHERE order_lines.order_id = sold.order_id AND order_lines.line_number = sold.line_number;

ALTER TABLE order_lines
ADD CONSTRAINT order_lines_tax_rule_check CHECK (
    (tax_rate IS NULL) = (tax_is_included IS NULL) AND (tax_rate IS NULL) = (tax_rounding IS NULL)
);

-- The promo code as it was when the order used it.
ALTER TABLE orders
ADD COLUMN promo_terms json,
ADD COLUMN paid_in_full_at timestamptz;

-- Of the codes of that name the first that an event of the order has. A percentage that is another by now is
-- kept as the amount that it took off.
UPDATE orders SET promo_terms = json_build_object(
    'id', used.id,
    'event_id', used.event_id,
    'percent', CASE WHEN used.fits THEN used.percent::text END,
    'amount', CASE WHEN NOT used.fits THEN used.taken_off::text END)
FROM (
    SELECT DISTINCT ON (o.id) o.id AS order_id, p.id, p.event_id, p.percent, took.taken_off,
        COALESCE(round(took.of_event * p.percent / 100, scale(o.total)) = took.taken_off, false) AS fits
    FROM orders o
    JOIN events e ON e.tenant_id = o.tenant_id
    JOIN promo_codes p ON p.event_id = e.id AND p.code = o.promo_code
    CROSS JOIN LATERAL (
        SELECT sum(l.amount) AS of_event,
            o.discount - CASE WHEN o.given_discount IS NULL THEN o.discount ELSE o.given_discount END AS taken_off
        FROM order_lines l WHERE l.order_id = o.id AND l.event_id = p.event_id
    ) AS took
    WHERE took.of_event IS NOT NULL
    ORDER BY o.id, p.id
) AS used
WHERE orders.id = used.order_id;

UPDATE orders SET paid_in_full_at = updated_at
WHERE payment_status IN ('paid', 'refunded') OR EXISTS (
    SELECT FROM order_changes c CROSS JOIN LATERAL json_array_elements(c.fields) AS f (field)
    WHERE c.order_id = orders.id AND f.field ->> 'field' = 'payment_status'
        AND ('paid' IN (f.field ->> 'from', f.field ->> 'to') OR f.field ->> 'to' = 'refunded'));

-- When an order that nobody ever paid in full is over. A column of its own, so that the index on it stands in
-- the way of no other change: PostgreSQL writes a row's indexes anew whenever a column of any of them changes.
ALTER TABLE orders ADD COLUMN expires_at timestamptz;
UPDATE orders SET expires_at = payment_due_at
WHERE payment_due_at IS NOT NULL AND paid_in_full_at IS NULL AND cancelled_at IS NULL;

DROP INDEX orders_payment_due;
CREATE INDEX orders_expiring ON orders (expires_at) WHERE expires_at IS NOT NULL;

-- Tickets that wait for their payment.
CREATE INDEX tickets_unissued ON tickets (order_id) WHERE code IS NULL AND status <> 'voided';

-- Which of an order's updates comes after which; so far it was the order of their requests' ids.
ALTER TABLE order_changes ADD COLUMN place uuid;
UPDATE order_changes SET place = request_id
WHERE kind = 'orders.update' AND substr(request_id::text, 15, 1) = '7';
CREATE INDEX order_changes_places ON order_changes (order_id, place) WHERE place IS NOT NULL;
