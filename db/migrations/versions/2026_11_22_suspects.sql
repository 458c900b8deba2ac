-- A message that came back several times is tried alone, and each try is counted before it is made.
CREATE TABLE suspects (
    message_id text NOT NULL,
    attempts integer NOT NULL,
    last_attempt_at timestamptz NOT NULL,
    PRIMARY KEY (message_id)
);
