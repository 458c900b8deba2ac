-- Messages: requests and their outcomes, events on their way, and what went wrong.

-- The inbox: one row per tenant and idempotency key, and the outcome. A hold's request has no order, and which order
-- a change is about turns out later.
CREATE TABLE requests (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    kind text NOT NULL,
    body_hash bytea NOT NULL,
    status text NOT NULL,
    -- No foreign key, as the row is older than its order; the same transaction writes both.
    order_id uuid,
    errors json,
    processed_at timestamptz NOT NULL,
    sent_by text,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, idempotency_key),
    CONSTRAINT requests_status_check CHECK (status IN ('processed', 'rejected')),
    CONSTRAINT requests_has_outcome_check CHECK (
        CASE status WHEN 'processed' THEN order_id IS NOT NULL OR kind <> 'orders.create' ELSE order_id IS NULL END
    ),
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
-- A request that waits gives its row in the inbox back, and this finds what refers to it.
CREATE INDEX request_repeats_original_id_idx ON request_repeats (original_id);

-- What the world is told, for ever.
CREATE TABLE event_messages (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    tenant_id uuid NOT NULL,
    type text NOT NULL,
    data json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (subject, sequence)
) WITH (toast_tuple_target = 8160);
-- An order of a few tickets stays in its row, uncompressed: compressing costs more than it saves.
ALTER TABLE event_messages ALTER COLUMN data SET STORAGE EXTERNAL;

-- Which of it is not sent yet, and its bytes: 1 MiB where a row does not say. Rows live for moments: it is vacuumed
-- often.
CREATE TABLE outbox (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    created_at timestamptz NOT NULL,
    bytes integer DEFAULT 1048576 NOT NULL,
    PRIMARY KEY (subject, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Up to which of its event messages a subject is told of: what is neither here nor in the outbox was lost.
CREATE TABLE sent_marks (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    PRIMARY KEY (subject)
);

-- Requests that wait: for their time, for the order that they name, or for something that their tenant has to do.
CREATE TABLE delayed_requests (
    request_id uuid NOT NULL,
    kind text NOT NULL,
    request bytea NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    waits_since timestamptz,
    tenant text DEFAULT '' NOT NULL,
    waits_for text,
    PRIMARY KEY (request_id)
);
-- Each tenant has its share of what is tried again: many new ones at once, and alone what was tried before.
CREATE INDEX delayed_requests_new ON delayed_requests (tenant, next_attempt_at) WHERE attempts = 0;
CREATE INDEX delayed_requests_tried ON delayed_requests (tenant, next_attempt_at) WHERE attempts > 0;
CREATE INDEX delayed_requests_tenant_waits_for_idx ON delayed_requests (tenant, waits_for) WHERE waits_for IS NOT NULL;

-- A message that came back several times is tried alone, and each try is counted before it is made.
CREATE TABLE suspects (
    message_id text NOT NULL,
    attempts integer NOT NULL,
    last_attempt_at timestamptz NOT NULL,
    PRIMARY KEY (message_id)
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
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX dead_letters_request_id_idx ON dead_letters (request_id);

-- What reconciliation finds.
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

-- Of several schedules one gets each tick.
CREATE TABLE ticks (
    task text NOT NULL,
    tick bigint NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (task, tick)
);

-- No foreign keys: their locks on orders and tenants would wait for a batch, and a batch for them.
CREATE TABLE documents (
    order_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    tickets integer NOT NULL,
    asked_at timestamptz NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    made_at timestamptz,
    version text,
    content bytea,
    PRIMARY KEY (order_id)
);
CREATE INDEX documents_tenant_id_made_at_idx ON documents (tenant_id, made_at);
CREATE INDEX documents_waiting ON documents (tenant_id, asked_at) WHERE made_at IS NULL;
-- A PDF is compressed already, and parts of what is not compressed again can be read alone.
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL;
