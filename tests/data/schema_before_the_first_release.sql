-- The schema of a database that the migrations before the first release made, at the newest of them: as pg_dump
-- writes it, without its comments, settings and names of schemas.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    sealed_secret bytea NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone
);

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    request_id uuid,
    tenant text,
    kind text NOT NULL,
    message bytea NOT NULL,
    reason text NOT NULL,
    details text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE delayed_requests (
    request_id uuid NOT NULL,
    kind text NOT NULL,
    request bytea NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    waits_since timestamp with time zone,
    tenant text DEFAULT ''::text NOT NULL,
    waits_for text
);

CREATE TABLE discrepancies (
    rule text NOT NULL,
    subject uuid NOT NULL,
    tenant_id uuid NOT NULL,
    detail text NOT NULL,
    found_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);

CREATE TABLE documents (
    order_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    tickets integer NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    made_at timestamp with time zone,
    version text,
    content bytea
);
ALTER TABLE ONLY documents ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE event_messages (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    tenant_id uuid NOT NULL,
    type text NOT NULL,
    data json NOT NULL,
    created_at timestamp with time zone NOT NULL
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY event_messages ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE events (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    timezone text NOT NULL,
    currency text NOT NULL,
    tax_name text,
    tax_rate numeric,
    tax_is_included boolean NOT NULL,
    tax_rounding text NOT NULL,
    details json,
    on_sale_from timestamp with time zone,
    on_sale_until timestamp with time zone,
    CONSTRAINT events_tax_rounding_check CHECK ((tax_rounding = ANY (ARRAY['line'::text, 'sum_by_net'::text, 'sum_by_net_keep_gross'::text])))
);

CREATE TABLE fraud_checks (
    order_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    email text NOT NULL,
    ip_address text,
    verdict text NOT NULL,
    reasons json NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    CONSTRAINT fraud_checks_verdict_check CHECK ((verdict = ANY (ARRAY['passed'::text, 'review'::text])))
);

CREATE TABLE holds (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric NOT NULL,
    expires_at timestamp with time zone,
    status text NOT NULL,
    order_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT holds_amounts_check CHECK (((unit_price >= (0)::numeric) AND (unit_price < '1000000000000000000'::numeric))),
    CONSTRAINT holds_quantity_check CHECK ((quantity >= 1)),
    CONSTRAINT holds_status_check CHECK ((status = ANY (ARRAY['held'::text, 'used'::text, 'released'::text, 'expired'::text])))
);

CREATE TABLE notes (
    order_id uuid NOT NULL,
    note_number integer NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    office text,
    CONSTRAINT notes_kind_check CHECK ((kind = ANY (ARRAY['internal'::text, 'external'::text, 'instructions'::text])))
);

CREATE TABLE order_changes (
    order_id uuid NOT NULL,
    change_number integer NOT NULL,
    request_id uuid NOT NULL,
    kind text NOT NULL,
    changed_by text,
    changed_at timestamp with time zone NOT NULL,
    patch json,
    fields json NOT NULL,
    place uuid
);

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
    CONSTRAINT order_lines_amount_check CHECK ((((amount - (unit_price * (quantity)::numeric)) = (0)::numeric) OR ((amount - (unit_price * (quantity)::numeric)) = rounding))),
    CONSTRAINT order_lines_amounts_check CHECK (((unit_price >= (0)::numeric) AND (unit_price < '1000000000000000000'::numeric) AND (amount >= (0)::numeric) AND (amount < '1000000000000000000'::numeric) AND (tax >= (0)::numeric) AND (tax < '1000000000000000000'::numeric))),
    CONSTRAINT order_lines_quantity_check CHECK ((quantity >= 0)),
    CONSTRAINT order_lines_tax_rule_check CHECK ((((tax_rate IS NULL) = (tax_is_included IS NULL)) AND ((tax_rate IS NULL) = (tax_rounding IS NULL))))
);
CREATE SEQUENCE order_numbers START WITH 1 INCREMENT BY 1 NO MINVALUE MAXVALUE 1099511627775 CACHE 1;

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
    counterpart_id uuid
);

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
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    given_tax numeric,
    given_discount numeric,
    payment_due_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    cancel_reason text,
    extras json,
    promo_terms json,
    paid_in_full_at timestamp with time zone,
    expires_at timestamp with time zone,
    CONSTRAINT orders_amounts_check CHECK (((subtotal >= (0)::numeric) AND (subtotal < '1000000000000000000'::numeric) AND (shipping >= (0)::numeric) AND (shipping < '1000000000000000000'::numeric) AND (service_fee >= (0)::numeric) AND (service_fee < '1000000000000000000'::numeric) AND (additional_expense >= (0)::numeric) AND (additional_expense < '1000000000000000000'::numeric) AND (tax >= (0)::numeric) AND (tax < '1000000000000000000'::numeric) AND (included_tax >= (0)::numeric) AND (included_tax < '1000000000000000000'::numeric) AND (discount >= (0)::numeric) AND (discount < '1000000000000000000'::numeric) AND (total >= (0)::numeric) AND (total < '1000000000000000000'::numeric) AND (paid >= (0)::numeric) AND (paid < '1000000000000000000'::numeric) AND (refunded >= (0)::numeric) AND (refunded < '1000000000000000000'::numeric))),
    CONSTRAINT orders_payment_status_check CHECK ((payment_status = ANY (ARRAY['unpaid'::text, 'partially_paid'::text, 'paid'::text, 'refunded'::text]))),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['placed'::text, 'cancelled'::text, 'refunded'::text]))),
    CONSTRAINT orders_total_check CHECK ((total = (((((subtotal + shipping) + service_fee) + additional_expense) + tax) - discount)))
)
WITH (autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='20000');

CREATE TABLE outbox (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    bytes integer DEFAULT 1048576 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

CREATE TABLE payments (
    order_id uuid NOT NULL,
    payment_number integer NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    amount numeric NOT NULL,
    created_at timestamp with time zone NOT NULL,
    is_refund boolean DEFAULT false NOT NULL,
    reference text,
    CONSTRAINT payments_amounts_check CHECK (((amount >= (0)::numeric) AND (amount < '1000000000000000000'::numeric))),
    CONSTRAINT payments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text])))
);

CREATE TABLE promo_codes (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    code text NOT NULL,
    percent numeric,
    amount numeric,
    max_uses integer,
    used integer DEFAULT 0 NOT NULL,
    key text NOT NULL,
    CONSTRAINT promo_codes_never_overused_check CHECK (((used >= 0) AND (used <= max_uses))),
    CONSTRAINT promo_codes_one_kind_check CHECK (((percent IS NULL) <> (amount IS NULL)))
)
WITH (fillfactor='50');

CREATE TABLE request_repeats (
    id uuid NOT NULL,
    original_id uuid NOT NULL,
    is_conflict boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE requests (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    kind text NOT NULL,
    body_hash bytea NOT NULL,
    status text NOT NULL,
    order_id uuid,
    errors json,
    processed_at timestamp with time zone NOT NULL,
    sent_by text,
    CONSTRAINT requests_has_outcome_check CHECK (
CASE status
    WHEN 'processed'::text THEN ((order_id IS NOT NULL) OR (kind <> 'orders.create'::text))
    ELSE (order_id IS NULL)
END),
    CONSTRAINT requests_status_check CHECK ((status = ANY (ARRAY['processed'::text, 'rejected'::text])))
);

CREATE TABLE seats (
    id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    "position" integer,
    label text NOT NULL,
    is_taken boolean DEFAULT false NOT NULL,
    hold_id uuid,
    CONSTRAINT seats_gone_seats_are_free_check CHECK ((("position" IS NOT NULL) OR (NOT is_taken)))
);

CREATE TABLE sent_marks (
    subject uuid NOT NULL,
    sequence integer NOT NULL
);

CREATE TABLE suspects (
    message_id text NOT NULL,
    attempts integer NOT NULL,
    last_attempt_at timestamp with time zone NOT NULL
);

CREATE TABLE tenant_aliases (
    dialect text NOT NULL,
    alias text NOT NULL,
    tenant_id uuid NOT NULL
);

CREATE TABLE tenant_secrets (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    issues_tickets text DEFAULT 'on_confirmation'::text NOT NULL,
    cancels_unpaid boolean DEFAULT false NOT NULL,
    fraud_rules json,
    organisation json,
    returns_promo_uses boolean DEFAULT true NOT NULL,
    CONSTRAINT tenants_issues_tickets_check CHECK ((issues_tickets = ANY (ARRAY['on_confirmation'::text, 'on_payment'::text])))
);

CREATE TABLE ticket_classes (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    section text,
    "row" text,
    price numeric NOT NULL,
    has_seats boolean NOT NULL,
    capacity integer NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    office text,
    cost numeric,
    bought_by_order_id uuid,
    details json,
    CONSTRAINT ticket_classes_amounts_check CHECK (((price >= (0)::numeric) AND (price < '1000000000000000000'::numeric) AND (cost >= (0)::numeric) AND (cost < '1000000000000000000'::numeric))),
    CONSTRAINT ticket_classes_never_oversold_check CHECK (((sold >= 0) AND (held >= 0) AND ((sold + held) <= capacity)))
)
WITH (fillfactor='50');

CREATE TABLE ticket_keys (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sealed_key bytea NOT NULL,
    CONSTRAINT ticket_keys_fits_32_bits_check CHECK (((id >= 0) AND (id < '4294967296'::bigint)))
);

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
    created_at timestamp with time zone NOT NULL,
    checked_in_at timestamp with time zone,
    check_in_nonce text,
    CONSTRAINT tickets_status_check CHECK ((status = ANY (ARRAY['valid'::text, 'checked_in'::text, 'voided'::text])))
);

CREATE TABLE ticks (
    task text NOT NULL,
    tick bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY alembic_version ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY api_keys ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY api_keys ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dead_letters ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY delayed_requests ADD CONSTRAINT delayed_requests_pkey PRIMARY KEY (request_id);
ALTER TABLE ONLY discrepancies ADD CONSTRAINT discrepancies_pkey PRIMARY KEY (rule, subject);
ALTER TABLE ONLY documents ADD CONSTRAINT documents_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY event_messages ADD CONSTRAINT event_messages_pkey PRIMARY KEY (subject, sequence);
ALTER TABLE ONLY events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY events ADD CONSTRAINT events_tenant_id_external_id_key UNIQUE (tenant_id, external_id);
ALTER TABLE ONLY fraud_checks ADD CONSTRAINT fraud_checks_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY holds ADD CONSTRAINT holds_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notes ADD CONSTRAINT notes_pkey PRIMARY KEY (order_id, note_number);
ALTER TABLE ONLY order_changes ADD CONSTRAINT order_changes_pkey PRIMARY KEY (order_id, change_number);
ALTER TABLE ONLY order_lines ADD CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, line_number);
ALTER TABLE ONLY order_trades ADD CONSTRAINT order_trades_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY orders ADD CONSTRAINT orders_number_key UNIQUE (number);
ALTER TABLE ONLY orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (subject, sequence);
ALTER TABLE ONLY payments ADD CONSTRAINT payments_pkey PRIMARY KEY (order_id, payment_number);
ALTER TABLE ONLY promo_codes ADD CONSTRAINT promo_codes_event_id_code_key UNIQUE (event_id, code);
ALTER TABLE ONLY promo_codes ADD CONSTRAINT promo_codes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY request_repeats ADD CONSTRAINT request_repeats_pkey PRIMARY KEY (id);
ALTER TABLE ONLY requests ADD CONSTRAINT requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY requests ADD CONSTRAINT requests_tenant_id_idempotency_key_key UNIQUE (tenant_id, idempotency_key);
ALTER TABLE ONLY seats ADD CONSTRAINT seats_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seats ADD CONSTRAINT seats_ticket_class_id_label_key UNIQUE (ticket_class_id, label);
ALTER TABLE ONLY seats ADD CONSTRAINT seats_ticket_class_id_position_key UNIQUE (ticket_class_id, "position");
ALTER TABLE ONLY sent_marks ADD CONSTRAINT sent_marks_pkey PRIMARY KEY (subject);
ALTER TABLE ONLY suspects ADD CONSTRAINT suspects_pkey PRIMARY KEY (message_id);
ALTER TABLE ONLY tenant_aliases ADD CONSTRAINT tenant_aliases_pkey PRIMARY KEY (dialect, alias);
ALTER TABLE ONLY tenant_secrets ADD CONSTRAINT tenant_secrets_pkey PRIMARY KEY (tenant_id, purpose);
ALTER TABLE ONLY tenants ADD CONSTRAINT tenants_name_key UNIQUE (name);
ALTER TABLE ONLY tenants ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ticket_classes ADD CONSTRAINT ticket_classes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ticket_classes ADD CONSTRAINT ticket_classes_tenant_id_external_id_key UNIQUE (tenant_id, external_id);
ALTER TABLE ONLY ticket_keys ADD CONSTRAINT ticket_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY tickets ADD CONSTRAINT tickets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ticks ADD CONSTRAINT ticks_pkey PRIMARY KEY (task, tick);

CREATE INDEX dead_letters_request_id_idx ON dead_letters USING btree (request_id);
CREATE INDEX delayed_requests_new ON delayed_requests USING btree (tenant, next_attempt_at) WHERE (attempts = 0);
CREATE INDEX delayed_requests_tenant_waits_for_idx ON delayed_requests USING btree (tenant, waits_for) WHERE (waits_for IS NOT NULL);
CREATE INDEX delayed_requests_tried ON delayed_requests USING btree (tenant, next_attempt_at) WHERE (attempts > 0);
CREATE INDEX documents_tenant_id_made_at_idx ON documents USING btree (tenant_id, made_at);
CREATE INDEX documents_waiting ON documents USING btree (tenant_id, asked_at) WHERE (made_at IS NULL);
CREATE INDEX fraud_checks_tenant_id_email_checked_at_idx ON fraud_checks USING btree (tenant_id, email, checked_at);
CREATE INDEX fraud_checks_tenant_id_ip_address_checked_at_idx ON fraud_checks USING btree (tenant_id, ip_address, checked_at);
CREATE INDEX holds_running ON holds USING btree (ticket_class_id, expires_at) WHERE (status = 'held'::text);
CREATE INDEX holds_tenant_id_id_idx ON holds USING btree (tenant_id, id);
CREATE INDEX order_changes_places ON order_changes USING btree (order_id, place) WHERE (place IS NOT NULL);
CREATE INDEX order_lines_event_id_order_id_idx ON order_lines USING btree (event_id, order_id);
CREATE INDEX order_trades_substitutes ON order_trades USING btree (substitutes_id) WHERE (substitutes_id IS NOT NULL);
CREATE INDEX orders_acme_temp_visitor ON orders USING btree (tenant_id, ((extras #>> '{acme,tempVisitorId}'::text[])), id) WHERE ((extras #>> '{acme,tempVisitorId}'::text[]) IS NOT NULL);
CREATE INDEX orders_acme_visitor ON orders USING btree (tenant_id, ((extras #>> '{acme,visitorId}'::text[])), id) WHERE ((extras #>> '{acme,visitorId}'::text[]) IS NOT NULL);
CREATE INDEX orders_buyer_email ON orders USING btree (tenant_id, lower(buyer_email), id);
CREATE INDEX orders_buyer_phone ON orders USING btree (tenant_id, buyer_phone, id) WHERE (buyer_phone IS NOT NULL);
CREATE INDEX orders_expiring ON orders USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX orders_search ON orders USING gin (lower(((((buyer_first_name || ' '::text) || buyer_last_name) || ' '::text) || buyer_email)) gin_trgm_ops) WITH (gin_pending_list_limit='65536');
CREATE INDEX orders_tenant_id_id_idx ON orders USING btree (tenant_id, id);
CREATE INDEX orders_updated_at_idx ON orders USING brin (updated_at) WITH (autosummarize='on');
CREATE INDEX promo_codes_key_idx ON promo_codes USING btree (key);
CREATE INDEX request_repeats_original_id_idx ON request_repeats USING btree (original_id);
CREATE INDEX seats_free ON seats USING btree (ticket_class_id, "position") WHERE ((NOT is_taken) AND ("position" IS NOT NULL));
CREATE INDEX seats_held ON seats USING btree (hold_id) WHERE (hold_id IS NOT NULL);
CREATE UNIQUE INDEX tickets_one_valid_ticket_a_seat ON tickets USING btree (seat_id) WHERE ((seat_id IS NOT NULL) AND (status <> 'voided'::text));
CREATE INDEX tickets_order_id_idx ON tickets USING btree (order_id);
CREATE INDEX tickets_unissued ON tickets USING btree (order_id) WHERE ((code IS NULL) AND (status <> 'voided'::text));

ALTER TABLE ONLY api_keys ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY discrepancies ADD CONSTRAINT discrepancies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY events ADD CONSTRAINT events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY fraud_checks ADD CONSTRAINT fraud_checks_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY holds ADD CONSTRAINT holds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY holds ADD CONSTRAINT holds_ticket_class_id_fkey FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes(id);
ALTER TABLE ONLY notes ADD CONSTRAINT notes_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY order_changes ADD CONSTRAINT order_changes_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY order_lines ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY order_lines ADD CONSTRAINT order_lines_ticket_class_id_fkey FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes(id);
ALTER TABLE ONLY order_trades ADD CONSTRAINT order_trades_counterpart_id_fkey FOREIGN KEY (counterpart_id) REFERENCES orders(id);
ALTER TABLE ONLY order_trades ADD CONSTRAINT order_trades_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY order_trades ADD CONSTRAINT order_trades_substitutes_id_fkey FOREIGN KEY (substitutes_id) REFERENCES orders(id);
ALTER TABLE ONLY orders ADD CONSTRAINT orders_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY payments ADD CONSTRAINT payments_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
ALTER TABLE ONLY promo_codes ADD CONSTRAINT promo_codes_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id);
ALTER TABLE ONLY request_repeats ADD CONSTRAINT request_repeats_original_id_fkey FOREIGN KEY (original_id) REFERENCES requests(id);
ALTER TABLE ONLY requests ADD CONSTRAINT requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY seats ADD CONSTRAINT seats_ticket_class_id_fkey FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes(id);
ALTER TABLE ONLY tenant_aliases ADD CONSTRAINT tenant_aliases_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY tenant_secrets ADD CONSTRAINT tenant_secrets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY ticket_classes ADD CONSTRAINT ticket_classes_event_id_fkey FOREIGN KEY (event_id) REFERENCES events(id);
ALTER TABLE ONLY ticket_classes ADD CONSTRAINT ticket_classes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY ticket_keys ADD CONSTRAINT ticket_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE ONLY tickets ADD CONSTRAINT tickets_order_id_line_number_fkey FOREIGN KEY (order_id, line_number) REFERENCES order_lines(order_id, line_number);
ALTER TABLE ONLY tickets ADD CONSTRAINT tickets_seat_id_fkey FOREIGN KEY (seat_id) REFERENCES seats(id);
