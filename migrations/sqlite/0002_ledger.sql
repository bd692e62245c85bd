-- One row per idempotency key: the journal that keeps a call from happening twice. Each claim of a row raises `fence`; who holds
-- an older number has lost the row. `repeatable` marks calls that may run twice without harm. The envelope is text on both
-- databases: jsonb refuses \u0000, and an answer that cannot be stored would leave its call unknown.
CREATE TABLE everreach_calls (
    idempotency_key TEXT PRIMARY KEY,
    action          TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'executed', 'not_executed', 'unknown', 'queued')),
    owner           TEXT NOT NULL,
    fence           INTEGER NOT NULL DEFAULT 1,
    repeatable      INTEGER NOT NULL DEFAULT 0,
    lease_until     TEXT NOT NULL,
    dispatched_at   TEXT,
    envelope        TEXT,
    request_id      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
CREATE INDEX everreach_calls_expiry ON everreach_calls (expires_at);
CREATE INDEX everreach_calls_running ON everreach_calls (lease_until) WHERE state = 'running';

-- Every try of a call or of a queued command.
CREATE TABLE everreach_attempts (
    id            TEXT PRIMARY KEY,
    call_key      TEXT,
    command_id    TEXT,
    attempt       INTEGER NOT NULL,
    executor      TEXT NOT NULL,
    dispatched_at TEXT NOT NULL,
    finished_at   TEXT,
    outcome       TEXT,
    error         TEXT,
    detail        TEXT
) STRICT;
CREATE INDEX everreach_attempts_call ON everreach_attempts (call_key, attempt) WHERE call_key IS NOT NULL;
CREATE INDEX everreach_attempts_command ON everreach_attempts (command_id, attempt) WHERE command_id IS NOT NULL;
CREATE INDEX everreach_attempts_age ON everreach_attempts (dispatched_at);
