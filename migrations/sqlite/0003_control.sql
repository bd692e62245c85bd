-- The stop switch: one row.
CREATE TABLE everreach_stop (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    stopped INTEGER NOT NULL,
    since   TEXT,
    reason  TEXT
) STRICT;
INSERT INTO everreach_stop (id, stopped) VALUES (1, 0);

-- What waits for a person. The parameters are text on both databases: what runs is to the letter what was agreed to.
CREATE TABLE everreach_approvals (
    id              TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    action          TEXT NOT NULL,
    params          TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
    requested_at    TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    decided_at      TEXT
) STRICT;
CREATE INDEX everreach_approvals_key ON everreach_approvals (idempotency_key, requested_at);
CREATE UNIQUE INDEX everreach_approvals_open ON everreach_approvals (idempotency_key) WHERE state IN ('pending', 'approved');

-- Bearer keys, by hash only.
CREATE TABLE everreach_keys (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
