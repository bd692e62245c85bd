-- The outbox of the sync bus, shared with other programs, which may insert rows and look for those with no `consumed_at`. The columns
-- everreach_* are ours. `everreach_seq` is the place in this database's log, NULL until we have looked at the row (rows then keep the
-- order in which they were inserted); `everreach_place` counts from 1 per topic and origin without a gap. `everreach_origin` is NULL
-- for messages published here, else the database they come from.
CREATE TABLE IF NOT EXISTS hybrid_messages (
    id               TEXT PRIMARY KEY DEFAULT gen_random_uuid()::text,
    topic            TEXT NOT NULL,
    payload_json     TEXT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
    consumed_at      TIMESTAMPTZ,
    everreach_id     TEXT,
    everreach_seq    BIGINT,
    everreach_origin TEXT,
    everreach_place  BIGINT,
    everreach_dedup  TEXT,
    everreach_at     TIMESTAMPTZ
);
-- The order of insertion, which SQLite has in its rowid.
ALTER TABLE hybrid_messages ADD COLUMN everreach_number BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX everreach_messages_log ON hybrid_messages (topic, everreach_seq);
CREATE INDEX everreach_messages_new ON hybrid_messages (everreach_number) WHERE everreach_seq IS NULL;
CREATE INDEX everreach_messages_own ON hybrid_messages (topic, everreach_place) WHERE everreach_origin IS NULL;
CREATE UNIQUE INDEX everreach_messages_dedup ON hybrid_messages (topic, everreach_dedup) WHERE everreach_dedup IS NOT NULL;

-- This database's name among those that share a Redis, and the newest place in its log.
CREATE TABLE everreach_bus (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    seq    BIGINT NOT NULL
);
INSERT INTO everreach_bus (id, origin, seq) VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0);

-- The newest place of each origin's topic, an empty origin for this database; `sent_place` is how far our own went to Redis.
CREATE TABLE everreach_bus_topics (
    origin     TEXT NOT NULL,
    topic      TEXT NOT NULL,
    last_place BIGINT NOT NULL,
    sent_place BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (origin, topic)
);

-- How far other databases have taken our topics over.
CREATE TABLE everreach_bus_peers (
    peer    TEXT NOT NULL,
    topic   TEXT NOT NULL,
    place   BIGINT NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (peer, topic)
);

-- How far each subscription is: everything up to `position` is handled, `head` was delivered `attempts` times, and whatever lies up to
-- `through` may have been delivered before.
CREATE TABLE everreach_bus_subscriptions (
    subscription TEXT NOT NULL,
    topic        TEXT NOT NULL,
    position     BIGINT NOT NULL,
    head         BIGINT NOT NULL DEFAULT 0,
    through      BIGINT NOT NULL DEFAULT 0,
    attempts     BIGINT NOT NULL DEFAULT 0,
    next_at      TIMESTAMPTZ,
    error        TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subscription, topic)
);
CREATE INDEX everreach_bus_subscriptions_topic ON everreach_bus_subscriptions (topic);

-- Messages that a subscription gave up on, and why. With `replay_at` set they are delivered once more.
CREATE TABLE everreach_bus_parked (
    subscription TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    topic        TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    attempts     BIGINT NOT NULL,
    error        TEXT NOT NULL,
    parked_at    TIMESTAMPTZ NOT NULL,
    replay_at    TIMESTAMPTZ,
    PRIMARY KEY (subscription, message_id)
);
CREATE INDEX everreach_bus_parked_replay ON everreach_bus_parked (subscription, topic) WHERE replay_at IS NOT NULL;

-- What was handled together with its effect.
CREATE TABLE everreach_bus_inbox (
    subscription TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    handled_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subscription, message_id)
);
CREATE INDEX everreach_bus_inbox_age ON everreach_bus_inbox (handled_at);
