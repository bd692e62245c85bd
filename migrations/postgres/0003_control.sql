-- The stop switch: one row.
CREATE TABLE everreach_stop (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    stopped BOOLEAN NOT NULL,
    since   TIMESTAMPTZ,
    reason  TEXT
);
INSERT INTO everreach_stop (id, stopped) VALUES (1, FALSE);

-- What waits for a person. The parameters are text on both databases: what runs is to the letter what was agreed to.
CREATE TABLE everreach_approvals (
    id              UUID PRIMARY KEY,
    kind            TEXT NOT NULL,
    action          TEXT NOT NULL,
    params          TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
    requested_at    TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ NOT NULL,
    decided_at      TIMESTAMPTZ
);
CREATE INDEX everreach_approvals_key ON everreach_approvals (idempotency_key, requested_at);
CREATE UNIQUE INDEX everreach_approvals_open ON everreach_approvals (idempotency_key) WHERE state IN ('pending', 'approved');

-- Bearer keys, by hash only.
CREATE TABLE everreach_keys (
    id         UUID PRIMARY KEY,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
