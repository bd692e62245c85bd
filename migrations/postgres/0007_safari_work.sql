-- Since when a service is as it is, so that a change is told once whoever looks, over restarts.
CREATE TABLE everreach_safari_service_edges (
    service_name TEXT PRIMARY KEY,
    is_healthy   BIGINT NOT NULL CHECK (is_healthy IN (0, 1)),
    since        TIMESTAMPTZ NOT NULL,
    last_healthy TIMESTAMPTZ
);

-- Notices that are to be sent: one row per occasion, which `edge` names. Who sends one moves `next_at` on first.
CREATE TABLE everreach_outbox (
    id         UUID PRIMARY KEY,
    edge       TEXT NOT NULL UNIQUE,
    message    TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    next_at    TIMESTAMPTZ NOT NULL,
    tries      BIGINT NOT NULL DEFAULT 0,
    error      TEXT,
    sent_at    TIMESTAMPTZ
);
CREATE INDEX everreach_outbox_due ON everreach_outbox (next_at) WHERE sent_at IS NULL;

-- Campaigns: what is done with each target, and the words; `safari_campaign_runs` shows the same to other programs.
CREATE TABLE everreach_safari_campaigns (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    platform     TEXT NOT NULL,
    plan         TEXT NOT NULL,
    templates    TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('running', 'paused', 'cancelled', 'completed')),
    started_at   TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ
);
CREATE INDEX everreach_safari_campaigns_open ON everreach_safari_campaigns (started_at) WHERE status IN ('running', 'paused');

-- What has happened to each target, and the commands whose ends it waits for.
CREATE TABLE everreach_safari_targets (
    campaign_id TEXT NOT NULL,
    handle      TEXT NOT NULL,
    state       TEXT NOT NULL,
    target      TEXT NOT NULL,
    waiting     TEXT NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (campaign_id, handle)
);

-- What searches found, shared with other programs. There is no unique key: some hold a post more than once.
CREATE TABLE IF NOT EXISTS crm_market_research (
    id           UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    platform     TEXT,
    keyword      TEXT,
    author       TEXT,
    post_url     TEXT,
    post_text    TEXT,
    likes        INTEGER,
    views        INTEGER,
    comments     INTEGER,
    shares       INTEGER,
    collected_at TIMESTAMPTZ DEFAULT now()
);
