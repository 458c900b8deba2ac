-- Each tenant has its share of what is tried again. What is here already, and what a worker of the version before
-- puts here, shares one; a request as JSON may hold what PostgreSQL's readers of JSON refuse.
ALTER TABLE delayed_requests ADD COLUMN tenant text NOT NULL DEFAULT '', ADD COLUMN waits_for text;

-- New ones wait for something, or for their time: many are tried at once. What was tried before is tried alone.
DROP INDEX delayed_requests_next_attempt_at_idx;
CREATE INDEX delayed_requests_new ON delayed_requests (tenant, next_attempt_at) WHERE attempts = 0;
CREATE INDEX delayed_requests_tried ON delayed_requests (tenant, next_attempt_at) WHERE attempts > 0;
CREATE INDEX delayed_requests_tenant_waits_for_idx ON delayed_requests (tenant, waits_for) WHERE waits_for IS NOT NULL;

-- A request that waits gives its row in the inbox back, and this finds what refers to it.
CREATE INDEX request_repeats_original_id_idx ON request_repeats (original_id);
