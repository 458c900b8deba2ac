-- Bytes of an event message's data. A worker of the version before writes none: its rows count as 1 MiB.
ALTER TABLE outbox ADD COLUMN bytes integer DEFAULT 1048576 NOT NULL;

UPDATE outbox SET bytes = octet_length(m.data::text)
FROM event_messages m WHERE m.subject = outbox.subject AND m.sequence = outbox.sequence;
