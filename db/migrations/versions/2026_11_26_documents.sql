-- No foreign keys: their locks on orders and tenants would wait for a batch, and a batch for them.
CREATE TABLE documents (
    order_id uuid CONSTRAINT documents_pkey PRIMARY KEY,
    tenant_id uuid NOT NULL,
    tickets integer NOT NULL,
    asked_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    made_at timestamptz,
    version text,
    content bytea
);
CREATE INDEX documents_tenant_id_made_at_idx ON documents (tenant_id, made_at);
CREATE INDEX documents_waiting ON documents (tenant_id, asked_at) WHERE made_at IS NULL;
-- A PDF is compressed already, and parts of what is not compressed again can be read alone.
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL;
