-- What was decided and what changed, in order.
CREATE TABLE everreach_events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    request_id TEXT,
    data       TEXT NOT NULL
) STRICT;
CREATE INDEX everreach_events_at ON everreach_events (at);
CREATE INDEX everreach_events_request ON everreach_events (request_id) WHERE request_id IS NOT NULL;
