-- The newest version of each document that this side knows. `number` counts a document's versions, `base` is the version that this one
-- was made from, `node` and `side` say who made it. `seq` is its place in this database's log, NULL until somebody asked for the log.
CREATE TABLE everreach_state (
    kind        TEXT NOT NULL,
    state_key   TEXT NOT NULL,
    id          UUID NOT NULL,
    number      BIGINT NOT NULL,
    base        UUID,
    node        TEXT NOT NULL,
    side        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    seq         BIGINT,
    PRIMARY KEY (kind, state_key)
);
CREATE UNIQUE INDEX everreach_state_log ON everreach_state (seq) WHERE seq IS NOT NULL;
CREATE INDEX everreach_state_new ON everreach_state (id) WHERE seq IS NULL;

-- Versions that the cloud has not acknowledged yet, one per document; `base` is the version that the cloud is known to have.
CREATE TABLE everreach_state_outbox (
    kind       TEXT NOT NULL,
    state_key  TEXT NOT NULL,
    id         UUID NOT NULL,
    number     BIGINT NOT NULL,
    base       UUID,
    payload    TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    next_at    TIMESTAMPTZ,
    PRIMARY KEY (kind, state_key)
);
CREATE INDEX everreach_state_outbox_order ON everreach_state_outbox (id);

-- The newest version of each document that another database has sent here, and what was decided about it.
CREATE TABLE everreach_state_receipts (
    node        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    state_key   TEXT NOT NULL,
    id          UUID NOT NULL,
    number      BIGINT NOT NULL,
    outcome     TEXT NOT NULL,
    batch_id    UUID NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (node, kind, state_key)
);

-- Both versions of each document that two sides changed without knowing of each other, and whose stayed.
CREATE TABLE everreach_state_conflicts (
    id               UUID PRIMARY KEY,
    kind             TEXT NOT NULL,
    state_key        TEXT NOT NULL,
    winner           TEXT NOT NULL,
    local_id         UUID NOT NULL,
    local_payload    TEXT NOT NULL,
    local_updated_at TIMESTAMPTZ NOT NULL,
    cloud_id         UUID NOT NULL,
    cloud_payload    TEXT NOT NULL,
    cloud_updated_at TIMESTAMPTZ NOT NULL,
    detected_at      TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX everreach_state_conflicts_once ON everreach_state_conflicts (kind, state_key, local_id, cloud_id);
CREATE INDEX everreach_state_conflicts_age ON everreach_state_conflicts (detected_at);

-- This database's name among those that exchange state, the newest place in its log, and how far it has read the cloud's.
CREATE TABLE everreach_state_node (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    node      TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    pulled_to TEXT,
    pulled_at TIMESTAMPTZ,
    pushed_at TIMESTAMPTZ
);
INSERT INTO everreach_state_node (id, node, seq) VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0);
