-- The first tables.

-- Eight letters of 32 name 2^40 orders.
CREATE SEQUENCE order_numbers AS bigint MAXVALUE 1099511627775;

-- Who sells.
CREATE TABLE tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE tenant_aliases (
    dialect text NOT NULL,
    alias text NOT NULL,
    tenant_id uuid NOT NULL,
    PRIMARY KEY (dialect, alias),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

CREATE TABLE api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    UNIQUE (key_hash)
);

CREATE TABLE ticket_keys (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    public_key bytea NOT NULL,
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ticket_keys_fits_32_bits_check CHECK (id >= 0 AND id < 4294967296),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- What is sold. Half of each page of a hot row's table is left free: counters are updated in place.
CREATE TABLE events (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    timezone text NOT NULL,
    currency text NOT NULL,
    tax_name text,
    tax_rate numeric,
    tax_is_included boolean NOT NULL,
    tax_rounding text NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, external_id),
    CONSTRAINT events_tax_rounding_check CHECK (tax_rounding IN ('line', 'sum_by_net')),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

CREATE TABLE ticket_classes (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    section text,
    row text,
    price numeric NOT NULL,
    has_seats boolean NOT NULL,
    capacity integer NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, external_id),
    CONSTRAINT ticket_classes_never_oversold_check CHECK (sold >= 0 AND held >= 0 AND sold + held <= capacity),
    CONSTRAINT ticket_classes_amounts_check CHECK (price >= 0 AND price < 1e18),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (event_id) REFERENCES events (id)
) WITH (fillfactor = 50);

CREATE TABLE seats (
    id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    position integer NOT NULL,
    label text NOT NULL,
    is_taken boolean DEFAULT false NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (ticket_class_id, position),
    UNIQUE (ticket_class_id, label),
    FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes (id)
);

CREATE TABLE promo_codes (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    code text NOT NULL,
    percent numeric,
    amount numeric,
    max_uses integer,
    used integer DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (event_id, code),
    CONSTRAINT promo_codes_one_kind_check CHECK ((percent IS NULL) <> (amount IS NULL)),
    CONSTRAINT promo_codes_never_overused_check CHECK (used >= 0 AND used <= max_uses),
    FOREIGN KEY (event_id) REFERENCES events (id)
) WITH (fillfactor = 50);

-- What was ordered. The total stands with its parts, and the database holds that they agree.
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
    reference text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id),
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
    UNIQUE (number),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX orders_tenant_id_buyer_email_id_idx ON orders (tenant_id, buyer_email, id);
CREATE INDEX orders_tenant_id_id_idx ON orders (tenant_id, id);
CREATE INDEX orders_updated_at_idx ON orders USING brin (updated_at);

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
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT order_lines_quantity_check CHECK (quantity >= 1),
    CONSTRAINT order_lines_amount_check CHECK (amount - unit_price * quantity IN (0, rounding)),
    CONSTRAINT order_lines_amounts_check CHECK (
        unit_price >= 0 AND unit_price < 1e18
        AND amount >= 0 AND amount < 1e18
        AND tax >= 0 AND tax < 1e18
    ),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes (id)
);
CREATE INDEX order_lines_event_id_order_id_idx ON order_lines (event_id, order_id);

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
    code text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (order_id, line_number) REFERENCES order_lines (order_id, line_number),
    CONSTRAINT tickets_status_check CHECK (status IN ('valid', 'checked_in', 'voided')),
    FOREIGN KEY (seat_id) REFERENCES seats (id)
);
CREATE UNIQUE INDEX tickets_one_valid_ticket_a_seat ON tickets (seat_id) WHERE seat_id IS NOT NULL AND status <> 'voided';
CREATE INDEX tickets_order_id_idx ON tickets (order_id);

CREATE TABLE payments (
    order_id uuid NOT NULL,
    payment_number integer NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    amount numeric NOT NULL,
    created_at timestamptz NOT NULL,
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
    PRIMARY KEY (order_id, note_number),
    CONSTRAINT notes_kind_check CHECK (kind IN ('internal', 'external', 'instructions')),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);

-- The inbox: one row per tenant and idempotency key, and the outcome.
CREATE TABLE requests (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    kind text NOT NULL,
    body_hash bytea NOT NULL,
    status text NOT NULL,
    order_id uuid,
    errors json,
    processed_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, idempotency_key),
    CONSTRAINT requests_status_check CHECK (status IN ('processed', 'rejected')),
    CONSTRAINT requests_has_outcome_check CHECK ((status = 'processed') = (order_id IS NOT NULL)),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

CREATE TABLE request_repeats (
    id uuid NOT NULL,
    original_id uuid NOT NULL,
    is_conflict boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (original_id) REFERENCES requests (id)
);

CREATE TABLE delayed_requests (
    request_id uuid NOT NULL,
    kind text NOT NULL,
    request bytea NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    PRIMARY KEY (request_id)
);
CREATE INDEX delayed_requests_next_attempt_at_idx ON delayed_requests (next_attempt_at);

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    request_id uuid,
    tenant text,
    kind text NOT NULL,
    message bytea NOT NULL,
    reason text NOT NULL,
    details text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX dead_letters_request_id_idx ON dead_letters (request_id);

-- What the world is told, for ever; and which of it is not sent yet. Rows of the outbox live for
-- moments: it is vacuumed often.
CREATE TABLE event_messages (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    tenant_id uuid NOT NULL,
    type text NOT NULL,
    data json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (subject, sequence)
);
-- An order of a few tickets stays in its row, uncompressed: compressing costs more than it saves.
ALTER TABLE event_messages ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE event_messages SET (toast_tuple_target = 8160);

CREATE TABLE outbox (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (subject, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE discrepancies (
    rule text NOT NULL,
    subject uuid NOT NULL,
    tenant_id uuid NOT NULL,
    detail text NOT NULL,
    found_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (rule, subject),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

CREATE TABLE ticks (
    task text NOT NULL,
    tick bigint NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (task, tick)
);
