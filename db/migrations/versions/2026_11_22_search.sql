-- Part of PostgreSQL; who owns the database may create it (PostgreSQL 13).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE INDEX orders_search ON orders USING gin (
    lower(buyer_first_name || ' ' || buyer_last_name || ' ' || buyer_email) gin_trgm_ops
);

-- What was written since the last vacuum would otherwise be read in full for each "changed since".
ALTER INDEX orders_updated_at_idx SET (autosummarize = on);
