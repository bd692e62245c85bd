-- One row per idempotency key: the journal that keeps a call from happening twice. Each claim of a row raises `fence`; who holds
-- an older number has lost the row. `repeatable` marks calls that may run twice without harm. The envelope is text on both
-- databases: jsonb refuses \u0000, and an answer that cannot be stored would leave its call unknown.
CREATE TABLE everreach_calls (
    idempotency_key TEXT PRIMARY KEY,
    action          TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'executed', 'not_executed', 'unknown', 'queued')),
    owner           TEXT NOT NULL,
    fence           BIGINT NOT NULL DEFAULT 1,
    repeatable      BOOLEAN NOT NULL DEFAULT FALSE,
    lease_until     TIMESTAMPTZ NOT NULL,
    dispatched_at   TIMESTAMPTZ,
    envelope        TEXT,
    request_id      UUID NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX everreach_calls_expiry ON everreach_calls (expires_at);
CREATE INDEX everreach_calls_running ON everreach_calls (lease_until) WHERE state = 'running';

-- Every try of a call or of a queued command.
CREATE TABLE everreach_attempts (
    id            UUID PRIMARY KEY,
    call_key      TEXT,
    command_id    UUID,
    attempt       BIGINT NOT NULL,
    executor      TEXT NOT NULL,
    dispatched_at TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ,
    outcome       TEXT,
    error         TEXT,
    detail        TEXT
);
CREATE INDEX everreach_attempts_call ON everreach_attempts (call_key, attempt) WHERE call_key IS NOT NULL;
CREATE INDEX everreach_attempts_command ON everreach_attempts (command_id, attempt) WHERE command_id IS NOT NULL;
CREATE INDEX everreach_attempts_age ON everreach_attempts (dispatched_at);
