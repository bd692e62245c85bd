-- The outbox of the sync bus, shared with other programs, which may insert rows and look for those with no `consumed_at`. The columns
-- everreach_* are ours. `everreach_seq` is the place in this database's log, NULL until we have looked at the row (rows then keep the
-- order in which they were inserted); `everreach_place` counts from 1 per topic and origin without a gap. `everreach_origin` is NULL
-- for messages published here, else the database they come from.
CREATE TABLE IF NOT EXISTS hybrid_messages (
    id               TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    topic            TEXT NOT NULL,
    payload_json     TEXT NOT NULL,
    created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    consumed_at      TEXT,
    everreach_id     TEXT,
    everreach_seq    INTEGER,
    everreach_origin TEXT,
    everreach_place  INTEGER,
    everreach_dedup  TEXT,
    everreach_at     TEXT
);
CREATE INDEX everreach_messages_log ON hybrid_messages (topic, everreach_seq);
CREATE INDEX everreach_messages_new ON hybrid_messages (topic) WHERE everreach_seq IS NULL;
CREATE INDEX everreach_messages_own ON hybrid_messages (topic, everreach_place) WHERE everreach_origin IS NULL;
CREATE UNIQUE INDEX everreach_messages_dedup ON hybrid_messages (topic, everreach_dedup) WHERE everreach_dedup IS NOT NULL;

-- This database's name among those that share a Redis, and the newest place in its log.
CREATE TABLE everreach_bus (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    seq    INTEGER NOT NULL
) STRICT;
INSERT INTO everreach_bus (id, origin, seq) VALUES (1, lower(hex(randomblob(16))), 0);

-- The newest place of each origin's topic, an empty origin for this database; `sent_place` is how far our own went to Redis.
CREATE TABLE everreach_bus_topics (
    origin     TEXT NOT NULL,
    topic      TEXT NOT NULL,
    last_place INTEGER NOT NULL,
    sent_place INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (origin, topic)
) STRICT, WITHOUT ROWID;

-- How far other databases have taken our topics over.
CREATE TABLE everreach_bus_peers (
    peer    TEXT NOT NULL,
    topic   TEXT NOT NULL,
    place   INTEGER NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (peer, topic)
) STRICT, WITHOUT ROWID;

-- How far each subscription is: everything up to `position` is handled, `head` was delivered `attempts` times, and whatever lies up to
-- `through` may have been delivered before.
CREATE TABLE everreach_bus_subscriptions (
    subscription TEXT NOT NULL,
    topic        TEXT NOT NULL,
    position     INTEGER NOT NULL,
    head         INTEGER NOT NULL DEFAULT 0,
    through      INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      TEXT,
    error        TEXT,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (subscription, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX everreach_bus_subscriptions_topic ON everreach_bus_subscriptions (topic);

-- Messages that a subscription gave up on, and why. With `replay_at` set they are delivered once more.
CREATE TABLE everreach_bus_parked (
    subscription TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    topic        TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    error        TEXT NOT NULL,
    parked_at    TEXT NOT NULL,
    replay_at    TEXT,
    PRIMARY KEY (subscription, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX everreach_bus_parked_replay ON everreach_bus_parked (subscription, topic) WHERE replay_at IS NOT NULL;

-- What was handled together with its effect.
CREATE TABLE everreach_bus_inbox (
    subscription TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    handled_at   TEXT NOT NULL,
    PRIMARY KEY (subscription, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX everreach_bus_inbox_age ON everreach_bus_inbox (handled_at);
