-- How a tenant wants its orders treated.
ALTER TABLE tenants
    ADD COLUMN issues_tickets text DEFAULT 'on_confirmation' NOT NULL,
    ADD COLUMN cancels_unpaid boolean DEFAULT false NOT NULL,
    ADD CONSTRAINT tenants_issues_tickets_check CHECK (issues_tickets IN ('on_confirmation', 'on_payment'));

-- What the producer gave, where the order's own column holds more: NULL where it gave nothing else.
ALTER TABLE orders
    ADD COLUMN given_tax numeric,
    ADD COLUMN given_discount numeric,
    ADD COLUMN payment_due_at timestamptz,
    ADD COLUMN cancelled_at timestamptz,
    ADD COLUMN cancel_reason text;
CREATE INDEX orders_payment_due ON orders (payment_due_at)
    WHERE payment_due_at IS NOT NULL AND status = 'placed' AND payment_status <> 'paid';

-- A line of which everything was cancelled stays, for the tickets that it had.
ALTER TABLE order_lines
    DROP CONSTRAINT order_lines_quantity_check,
    ADD CONSTRAINT order_lines_quantity_check CHECK (quantity >= 0);

-- A ticket that is issued on payment has no code before.
ALTER TABLE tickets
    ALTER COLUMN code DROP NOT NULL,
    ADD COLUMN checked_in_at timestamptz,
    ADD COLUMN check_in_nonce text;

ALTER TABLE payments
    ADD COLUMN is_refund boolean DEFAULT false NOT NULL,
    ADD COLUMN reference text;

ALTER TABLE notes ADD COLUMN office text;

-- A hold's request has no order, and which order a change is about turns out later.
ALTER TABLE requests
    DROP CONSTRAINT requests_has_outcome_check,
    ADD CONSTRAINT requests_has_outcome_check CHECK (
        CASE status WHEN 'processed' THEN order_id IS NOT NULL OR kind <> 'orders.create' ELSE order_id IS NULL END
    );

-- Who sent it, for the history of the order that it made.
ALTER TABLE requests ADD COLUMN sent_by text;

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
CREATE INDEX holds_tenant_id_id_idx ON holds (tenant_id, id);

-- Taken by a ticket or by a hold; the hold is named here. Free ones are found by their own index.
ALTER TABLE seats ADD COLUMN hold_id uuid;
CREATE INDEX seats_free ON seats (ticket_class_id, position) WHERE NOT is_taken;
CREATE INDEX seats_held ON seats (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE order_changes (
    order_id uuid NOT NULL,
    change_number integer NOT NULL,
    request_id uuid NOT NULL,
    kind text NOT NULL,
    changed_by text,
    changed_at timestamptz NOT NULL,
    patch json,
    fields json NOT NULL,
    PRIMARY KEY (order_id, change_number),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);

-- A request may wait for the order that it names: since when.
ALTER TABLE delayed_requests ADD COLUMN waits_since timestamptz;
ALTER TABLE tenants ADD COLUMN fraud_rules json;

-- The orders whose producers asked for the check, and what it said.
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
