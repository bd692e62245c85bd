-- The newest version of each document that this side knows. `number` counts a document's versions, `base` is the version that this one
-- was made from, `node` and `side` say who made it. `seq` is its place in this database's log, NULL until somebody asked for the log.
CREATE TABLE everreach_state (
    kind        TEXT NOT NULL,
    state_key   TEXT NOT NULL,
    id          TEXT NOT NULL,
    number      INTEGER NOT NULL,
    base        TEXT,
    node        TEXT NOT NULL,
    side        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    received_at TEXT NOT NULL,
    seq         INTEGER,
    PRIMARY KEY (kind, state_key)
) STRICT;
CREATE UNIQUE INDEX everreach_state_log ON everreach_state (seq) WHERE seq IS NOT NULL;
CREATE INDEX everreach_state_new ON everreach_state (id) WHERE seq IS NULL;

-- Versions that the cloud has not acknowledged yet, one per document; `base` is the version that the cloud is known to have.
CREATE TABLE everreach_state_outbox (
    kind       TEXT NOT NULL,
    state_key  TEXT NOT NULL,
    id         TEXT NOT NULL,
    number     INTEGER NOT NULL,
    base       TEXT,
    payload    TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    next_at    TEXT,
    PRIMARY KEY (kind, state_key)
) STRICT;
CREATE INDEX everreach_state_outbox_order ON everreach_state_outbox (id);

-- The newest version of each document that another database has sent here, and what was decided about it.
CREATE TABLE everreach_state_receipts (
    node        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    state_key   TEXT NOT NULL,
    id          TEXT NOT NULL,
    number      INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    batch_id    TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (node, kind, state_key)
) STRICT;

-- Both versions of each document that two sides changed without knowing of each other, and whose stayed.
CREATE TABLE everreach_state_conflicts (
    id               TEXT PRIMARY KEY,
    kind             TEXT NOT NULL,
    state_key        TEXT NOT NULL,
    winner           TEXT NOT NULL,
    local_id         TEXT NOT NULL,
    local_payload    TEXT NOT NULL,
    local_updated_at TEXT NOT NULL,
    cloud_id         TEXT NOT NULL,
    cloud_payload    TEXT NOT NULL,
    cloud_updated_at TEXT NOT NULL,
    detected_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX everreach_state_conflicts_once ON everreach_state_conflicts (kind, state_key, local_id, cloud_id);
CREATE INDEX everreach_state_conflicts_age ON everreach_state_conflicts (detected_at);

-- This database's name among those that exchange state, the newest place in its log, and how far it has read the cloud's.
CREATE TABLE everreach_state_node (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    node      TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    pulled_to TEXT,
    pulled_at TEXT,
    pushed_at TEXT
) STRICT;
INSERT INTO everreach_state_node (id, node, seq) VALUES (1, lower(hex(randomblob(16))), 0);
