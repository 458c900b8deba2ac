-- Up to which of its event messages a subject is told of.
CREATE TABLE sent_marks (
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    PRIMARY KEY (subject)
);

-- Nothing goes in or out meanwhile. What is not in the outbox by now counts as sent: nobody can tell any more.
LOCK TABLE outbox IN SHARE MODE;

INSERT INTO sent_marks (subject, sequence)
SELECT m.subject, max(m.sequence) FROM event_messages m
LEFT JOIN (SELECT subject, min(sequence) AS first FROM outbox GROUP BY subject) AS waiting USING (subject)
WHERE waiting.first IS NULL OR m.sequence < waiting.first
GROUP BY m.subject;
