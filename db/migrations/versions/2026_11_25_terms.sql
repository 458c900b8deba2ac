-- The tax rule that a line was sold on; the event's own may change afterwards.
ALTER TABLE order_lines
ADD COLUMN tax_rate numeric,
ADD COLUMN tax_is_included boolean,
ADD COLUMN tax_rounding text;

UPDATE order_lines SET
    tax_rate = e.tax_rate,
    tax_is_included = e.tax_is_included,
    tax_rounding = e.tax_rounding
FROM events e WHERE e.id = order_lines.event_id AND e.tax_rate IS NOT NULL;

ALTER TABLE order_lines
ADD CONSTRAINT order_lines_tax_rule_check CHECK (
    (tax_rate IS NULL) = (tax_is_included IS NULL) AND (tax_rate IS NULL) = (tax_rounding IS NULL)
);

-- The promo code as it was when the order used it.
ALTER TABLE orders
ADD COLUMN promo_terms json,
ADD COLUMN paid_in_full_at timestamptz;

UPDATE orders SET promo_terms = json_build_object(
    'id', p.id, 'event_id', p.event_id, 'percent', p.percent::text, 'amount', p.amount::text)
FROM promo_codes p
WHERE orders.promo_code = p.code AND EXISTS (
    SELECT FROM order_lines l WHERE l.order_id = orders.id AND l.event_id = p.event_id);

UPDATE orders SET paid_in_full_at = updated_at WHERE payment_status IN ('paid', 'refunded');

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
