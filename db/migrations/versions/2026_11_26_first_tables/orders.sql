-- What is sold: orders with all that belongs to them, and holds.

-- Part of PostgreSQL; who owns the database may create it (PostgreSQL 13).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Eight letters of 32 name 2^40 orders.
CREATE SEQUENCE order_numbers AS bigint MAXVALUE 1099511627775;

-- The total stands with its parts, and the database holds that they agree.
CREATE TABLE orders (
    id uuid NOT NULL,
    number bigint NOT NULL,
    code text NOT NULL,
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    status text NOT NULL,
    payment_status text NOT NULL,
    version integer NOT NULL,
    last_sequence integer NOT NULL,
    currency text NOT NULL,
    subtotal numeric NOT NULL,
    shipping numeric NOT NULL,
    service_fee numeric NOT NULL,
    additional_expense numeric NOT NULL,
    tax numeric NOT NULL,
    included_tax numeric NOT NULL,
    discount numeric NOT NULL,
    total numeric NOT NULL,
    paid numeric NOT NULL,
    refunded numeric NOT NULL,
    event_id text,
    buyer_first_name text NOT NULL,
    buyer_last_name text NOT NULL,
    buyer_email text NOT NULL,
    buyer_company text,
    buyer_phone text,
    billing_address json,
    promo_code text,
    -- The promo code as it was when the order used it, an entry for each event that has it.
    promo_terms json,
    reference text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- What the producer gave, where the order's own column holds more; NULL where it gave nothing else.
    given_tax numeric,
    given_discount numeric,
    payment_due_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    paid_in_full_at timestamptz,
    -- When an order that nobody ever paid in full is over. A column of its own, so that the index on it stands in
    -- the way of no other change: PostgreSQL writes a row's indexes anew whenever a column of any of them changes.
    expires_at timestamptz,
    extras json,
    PRIMARY KEY (id),
    UNIQUE (number),
    CONSTRAINT orders_amounts_check CHECK (
        subtotal >= 0 AND subtotal < 1e18
        AND shipping >= 0 AND shipping < 1e18
        AND service_fee >= 0 AND service_fee < 1e18
        AND additional_expense >= 0 AND additional_expense < 1e18
        AND tax >= 0 AND tax < 1e18
        AND included_tax >= 0 AND included_tax < 1e18
        AND discount >= 0 AND discount < 1e18
        AND total >= 0 AND total < 1e18
        AND paid >= 0 AND paid < 1e18
        AND refunded >= 0 AND refunded < 1e18
    ),
    CONSTRAINT orders_total_check CHECK (total = subtotal + shipping + service_fee + additional_expense + tax - discount),
    CONSTRAINT orders_status_check CHECK (status IN ('placed', 'cancelled', 'refunded')),
    CONSTRAINT orders_payment_status_check CHECK (payment_status IN ('unpaid', 'partially_paid', 'paid', 'refunded')),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) WITH (
    -- Autovacuum comes for the pending list of `orders_search` after so many orders, however many there are: an
    -- order takes 1 kB of it.
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);
-- Pages of a tenant's orders; a buyer's orders, whose address is compared without case.
CREATE INDEX orders_tenant_id_id_idx ON orders (tenant_id, id);
CREATE INDEX orders_buyer_email ON orders (tenant_id, lower(buyer_email), id);
-- Changed since. What was written since the last vacuum would otherwise be read in full.
CREATE INDEX orders_updated_at_idx ON orders USING brin (updated_at) WITH (autosummarize = on);
-- Any part of a name or an address. New orders wait in the index's pending list, which costs them little, and
-- autovacuum sorts them in.
CREATE INDEX orders_search ON orders USING gin (
    lower(buyer_first_name || ' ' || buyer_last_name || ' ' || buyer_email) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536);
-- Partial: an order that says nothing of these costs nothing here.
CREATE INDEX orders_buyer_phone ON orders (tenant_id, buyer_phone, id) WHERE buyer_phone IS NOT NULL;
CREATE INDEX orders_acme_visitor ON orders (tenant_id, (extras #>> '{acme,visitorId}'), id)
WHERE (extras #>> '{acme,visitorId}') IS NOT NULL;
CREATE INDEX orders_acme_temp_visitor ON orders (tenant_id, (extras #>> '{acme,tempVisitorId}'), id)
WHERE (extras #>> '{acme,tempVisitorId}') IS NOT NULL;
CREATE INDEX orders_expiring ON orders (expires_at) WHERE expires_at IS NOT NULL;

-- Only for orders that say between whom they are: most have no row here.
CREATE TABLE order_trades (
    order_id uuid NOT NULL,
    is_purchase boolean NOT NULL,
    consignment boolean NOT NULL,
    seller_id text,
    buyer_id text,
    client_id text,
    created_by_ip_address text,
    order_group_id uuid,
    substitutes_id uuid,
    counterpart_id uuid,
    PRIMARY KEY (order_id),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (substitutes_id) REFERENCES orders (id),
    FOREIGN KEY (counterpart_id) REFERENCES orders (id)
);
-- What replaces an order is shown with it.
CREATE INDEX order_trades_substitutes ON order_trades (substitutes_id) WHERE substitutes_id IS NOT NULL;

-- A line keeps the tax rule that it was sold on, as the event's own may change. One of which everything was
-- cancelled stays, for the tickets that it had.
CREATE TABLE order_lines (
    order_id uuid NOT NULL,
    line_number integer NOT NULL,
    event_id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric NOT NULL,
    amount numeric NOT NULL,
    tax numeric NOT NULL,
    rounding numeric NOT NULL,
    tax_rate numeric,
    tax_is_included boolean,
    tax_rounding text,
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT order_lines_quantity_check CHECK (quantity >= 0),
    CONSTRAINT order_lines_amount_check CHECK (amount - unit_price * quantity IN (0, rounding)),
    CONSTRAINT order_lines_tax_rule_check CHECK (
        (tax_rate IS NULL) = (tax_is_included IS NULL) AND (tax_rate IS NULL) = (tax_rounding IS NULL)
    ),
    CONSTRAINT order_lines_amounts_check CHECK (
        unit_price >= 0 AND unit_price < 1e18
        AND amount >= 0 AND amount < 1e18
        AND tax >= 0 AND tax < 1e18
    ),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes (id)
);
-- Orders of an event.
CREATE INDEX order_lines_event_id_order_id_idx ON order_lines (event_id, order_id);

-- A ticket that is issued on payment has no code before.
CREATE TABLE tickets (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    line_number integer NOT NULL,
    ticket_class_id uuid NOT NULL,
    seat_id uuid,
    attendee_first_name text,
    attendee_last_name text,
    attendee_email text,
    status text NOT NULL,
    code text,
    created_at timestamptz NOT NULL,
    checked_in_at timestamptz,
    check_in_nonce text,
    PRIMARY KEY (id),
    CONSTRAINT tickets_status_check CHECK (status IN ('valid', 'checked_in', 'voided')),
    FOREIGN KEY (order_id, line_number) REFERENCES order_lines (order_id, line_number),
    FOREIGN KEY (seat_id) REFERENCES seats (id)
);
CREATE INDEX tickets_order_id_idx ON tickets (order_id);
-- Tickets that wait for their payment.
CREATE INDEX tickets_unissued ON tickets (order_id) WHERE code IS NULL AND status <> 'voided';
CREATE UNIQUE INDEX tickets_one_valid_ticket_a_seat ON tickets (seat_id) WHERE seat_id IS NOT NULL AND status <> 'voided';

CREATE TABLE payments (
    order_id uuid NOT NULL,
    payment_number integer NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    amount numeric NOT NULL,
    created_at timestamptz NOT NULL,
    is_refund boolean DEFAULT false NOT NULL,
    reference text,
    PRIMARY KEY (order_id, payment_number),
    CONSTRAINT payments_amounts_check CHECK (amount >= 0 AND amount < 1e18),
    CONSTRAINT payments_status_check CHECK (status IN ('pending', 'completed')),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);

CREATE TABLE notes (
    order_id uuid NOT NULL,
    note_number integer NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL,
    office text,
    PRIMARY KEY (order_id, note_number),
    CONSTRAINT notes_kind_check CHECK (kind IN ('internal', 'external', 'instructions')),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);

-- What each change was asked, and which of the order's fields it changed. The place says which of an order's updates
-- comes after which.
CREATE TABLE order_changes (
    order_id uuid NOT NULL,
    change_number integer NOT NULL,
    request_id uuid NOT NULL,
    kind text NOT NULL,
    changed_by text,
    changed_at timestamptz NOT NULL,
    patch json,
    fields json NOT NULL,
    place uuid,
    PRIMARY KEY (order_id, change_number),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX order_changes_places ON order_changes (order_id, place) WHERE place IS NOT NULL;

-- The orders whose producers asked for the check, and what it said. The address is in lower case.
CREATE TABLE fraud_checks (
    order_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    email text NOT NULL,
    ip_address text,
    verdict text NOT NULL,
    reasons json NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (order_id),
    CONSTRAINT fraud_checks_verdict_check CHECK (verdict IN ('passed', 'review')),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX fraud_checks_tenant_id_email_checked_at_idx ON fraud_checks (tenant_id, email, checked_at);
CREATE INDEX fraud_checks_tenant_id_ip_address_checked_at_idx ON fraud_checks (tenant_id, ip_address, checked_at);

CREATE TABLE holds (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric NOT NULL,
    expires_at timestamptz,
    status text NOT NULL,
    order_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT holds_quantity_check CHECK (quantity >= 1),
    CONSTRAINT holds_amounts_check CHECK (unit_price >= 0 AND unit_price < 1e18),
    CONSTRAINT holds_status_check CHECK (status IN ('held', 'used', 'released', 'expired')),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes (id)
);
CREATE INDEX holds_running ON holds (ticket_class_id, expires_at) WHERE status = 'held';
-- Pages of a tenant's holds.
CREATE INDEX holds_tenant_id_id_idx ON holds (tenant_id, id);
