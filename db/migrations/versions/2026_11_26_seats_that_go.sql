-- A seat without a position is gone: nobody can buy it. Its row stays, as cancelled tickets name it.
ALTER TABLE seats ALTER COLUMN position DROP NOT NULL;
ALTER TABLE seats ADD CONSTRAINT seats_gone_seats_are_free_check CHECK (position IS NOT NULL OR NOT is_taken);

DROP INDEX seats_free;
CREATE INDEX seats_free ON seats (ticket_class_id, position) WHERE NOT is_taken AND position IS NOT NULL;
