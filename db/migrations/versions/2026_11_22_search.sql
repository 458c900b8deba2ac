-- Part of PostgreSQL; who owns the database may create it (PostgreSQL 13).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- New orders wait in the index's pending list, which costs them little, and autovacuum sorts them in.
CREATE INDEX orders_search ON orders USING gin (
    lower(buyer_first_name || ' ' || buyer_last_name || ' ' || buyer_email) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536);

-- Autovacuum comes for that after so many orders, however many there are: an order takes 1 kB of the list.
ALTER TABLE orders SET (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

-- What was written since the last vacuum would otherwise be read in full for each "changed since".
ALTER INDEX orders_updated_at_idx SET (autosummarize = on);
