-- What was decided and what changed, in order.
CREATE TABLE everreach_events (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         TIMESTAMPTZ NOT NULL,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    request_id UUID,
    data       JSONB NOT NULL
);
CREATE INDEX everreach_events_at ON everreach_events (at);
CREATE INDEX everreach_events_request ON everreach_events (request_id) WHERE request_id IS NOT NULL;
