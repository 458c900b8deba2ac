-- When an event is on sale: at once and until its end, where nothing is said.
ALTER TABLE events
ADD COLUMN on_sale_from timestamptz,
ADD COLUMN on_sale_until timestamptz;

ALTER TABLE events DROP CONSTRAINT events_tax_rounding_check;
ALTER TABLE events ADD CONSTRAINT events_tax_rounding_check
CHECK (tax_rounding IN ('line', 'sum_by_net', 'sum_by_net_keep_gross'));

-- One code in any letter case, with blanks around.
ALTER TABLE promo_codes ADD COLUMN key text;
UPDATE promo_codes SET key = lower(btrim(code));
ALTER TABLE promo_codes ALTER COLUMN key SET NOT NULL;
CREATE INDEX promo_codes_key_idx ON promo_codes (key);

-- A promo code works on all events of the order that have it: an entry for each. What was cancelled has given
-- its use back.
UPDATE orders SET promo_terms = json_build_array(
    CASE
        WHEN status = 'placed' THEN promo_terms
        ELSE (promo_terms::jsonb || '{"is_returned": true}')::json
    END)
WHERE promo_terms IS NOT NULL;

ALTER TABLE tenants ADD COLUMN returns_promo_uses boolean NOT NULL DEFAULT true;
UPDATE promo_codes SET used = COALESCE(standing.count, 0)
FROM promo_codes p
LEFT JOIN (
    SELECT (promo_terms -> 0 ->> 'id')::uuid AS id, count(*) FROM orders
    WHERE promo_terms IS NOT NULL AND status = 'placed' GROUP BY 1
) AS standing ON standing.id = p.id
WHERE promo_codes.id = p.id;

-- Cancelled and refunded in either order end the same.
UPDATE orders SET status = 'refunded' WHERE status = 'cancelled' AND payment_status = 'refunded';

-- E-mail addresses are compared without case, and shown as they are written.
DROP INDEX orders_tenant_id_buyer_email_id_idx;
CREATE INDEX orders_buyer_email ON orders (tenant_id, lower(buyer_email), id);
UPDATE fraud_checks SET email = lower(email) WHERE email <> lower(email);
