-- The queue of browser commands, shared with other programs: lower priority first, then oldest. The columns everreach_* are
-- ours. `everreach_lane` groups rows that the same rules hold back, NULL until we have looked at the row; `everreach_due_at` is
-- NULL for a row that may be looked at now, far in the future for one that waits for a person. `everreach_attempts` is also the
-- fencing number: who works on an older attempt has lost the row. `everreach_dispatched_at` stands only while the world may have
-- seen the last attempt; `everreach_charged` is what that attempt took from the limits.
CREATE TABLE IF NOT EXISTS safari_command_queue (
    id                      UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    action                  TEXT NOT NULL,
    platform                TEXT,
    params                  JSONB NOT NULL DEFAULT '{}',
    priority                INTEGER NOT NULL DEFAULT 5,
    status                  TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    result                  TEXT,
    error                   TEXT,
    scheduled_for           TIMESTAMPTZ,
    retry_count             INTEGER DEFAULT 0,
    next_retry_at           TIMESTAMPTZ,
    campaign_id             TEXT,
    batch_id                TEXT,
    worker_id               TEXT,
    created_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    everreach_key           TEXT,
    everreach_lane          TEXT,
    everreach_due_at        TIMESTAMPTZ,
    everreach_contact       TEXT,
    everreach_attempts      BIGINT NOT NULL DEFAULT 0,
    everreach_claimed_at    TIMESTAMPTZ,
    everreach_lease_until   TIMESTAMPTZ,
    everreach_dispatched_at TIMESTAMPTZ,
    everreach_charged       TEXT,
    everreach_outcome       TEXT
);
CREATE UNIQUE INDEX everreach_safari_queue_key ON safari_command_queue (everreach_key) WHERE everreach_key IS NOT NULL;
-- What may be claimed, what waits for its time, what nobody of us has looked at, what is being worked on.
CREATE INDEX everreach_safari_queue_ready ON safari_command_queue (everreach_lane, priority, created_at, id)
    WHERE status = 'pending' AND everreach_lane IS NOT NULL AND everreach_due_at IS NULL;
CREATE INDEX everreach_safari_queue_due ON safari_command_queue (everreach_due_at)
    WHERE status = 'pending' AND everreach_due_at IS NOT NULL;
CREATE INDEX everreach_safari_queue_new ON safari_command_queue (created_at)
    WHERE status = 'pending' AND everreach_lane IS NULL
    AND action IN ('send_dm', 'comment', 'market_research', 'navigate', 'sync', 'sync_linkedin', 'score', 'generate', 'pipeline')
    AND COALESCE(lower(platform), '') NOT IN ('linkedin_chrome', 'upwork');
CREATE INDEX everreach_safari_queue_leases ON safari_command_queue (everreach_lease_until)
    WHERE status = 'running' AND everreach_lease_until IS NOT NULL;
CREATE INDEX everreach_safari_queue_contact ON safari_command_queue (everreach_contact, everreach_dispatched_at)
    WHERE everreach_contact IS NOT NULL;
CREATE INDEX everreach_safari_queue_dm_sent ON safari_command_queue (created_at) WHERE action = 'dm_sent';
CREATE INDEX everreach_safari_queue_campaign ON safari_command_queue (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX everreach_safari_queue_batch ON safari_command_queue (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX everreach_safari_queue_age ON safari_command_queue (created_at, id);
CREATE INDEX everreach_safari_queue_failed ON safari_command_queue (updated_at) WHERE status = 'failed';

-- Every attempt at a command. One without a dispatch mark certainly reached nobody.
CREATE TABLE everreach_safari_attempts (
    command_id    UUID NOT NULL,
    number        BIGINT NOT NULL,
    worker_id     TEXT NOT NULL,
    service       TEXT,
    started_at    TIMESTAMPTZ NOT NULL,
    dispatched_at TIMESTAMPTZ,
    finished_at   TIMESTAMPTZ,
    verdict       TEXT,
    reason        TEXT,
    detail        TEXT,
    answer        TEXT,
    PRIMARY KEY (command_id, number)
);
CREATE INDEX everreach_safari_attempts_age ON everreach_safari_attempts (started_at);

-- What an account has used of its limits: `period` is hour or day, both of UTC.
CREATE TABLE safari_rate_limits (
    platform   TEXT NOT NULL,
    action     TEXT NOT NULL,
    period     TEXT NOT NULL CHECK (period IN ('hour', 'day')),
    started_at TIMESTAMPTZ NOT NULL,
    used       BIGINT NOT NULL CHECK (used >= 0),
    PRIMARY KEY (platform, action, period, started_at)
);

-- When an account last sent something.
CREATE TABLE everreach_safari_sends (
    platform TEXT NOT NULL,
    action   TEXT NOT NULL,
    sent_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (platform, action)
);

-- The one Safari there is: who drives it, and until when it is left alone. Each taking raises `fence`.
CREATE TABLE everreach_safari_browser (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    fence        BIGINT NOT NULL,
    worker_id    TEXT,
    command_id   UUID,
    lease_until  TIMESTAMPTZ,
    rest_until   TIMESTAMPTZ,
    rest_service TEXT
);
INSERT INTO everreach_safari_browser (id, fence) VALUES (1, 0);

-- Accounts that have to stop; an empty action stops all of them.
CREATE TABLE everreach_safari_halts (
    platform TEXT NOT NULL,
    action   TEXT NOT NULL,
    cause    TEXT NOT NULL,
    since    TIMESTAMPTZ NOT NULL,
    until    TIMESTAMPTZ,
    PRIMARY KEY (platform, action, cause)
);

-- People who are never written to; an empty platform means every one.
CREATE TABLE everreach_safari_denied (
    platform TEXT NOT NULL,
    handle   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    since    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (platform, handle)
);

-- Campaigns and batches, and what a person said about those with many messages.
CREATE TABLE everreach_safari_groups (
    id           TEXT PRIMARY KEY,
    dms          BIGINT NOT NULL,
    approval     TEXT NOT NULL CHECK (approval IN ('pending', 'approved', 'denied')),
    requested_at TIMESTAMPTZ,
    expires_at   TIMESTAMPTZ,
    decided_at   TIMESTAMPTZ
);
CREATE INDEX everreach_safari_groups_open ON everreach_safari_groups (expires_at) WHERE approval = 'pending' AND expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS safari_campaign_runs (
    id            UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    campaign_id   TEXT NOT NULL,
    campaign_type TEXT,
    platform      TEXT,
    total_tasks   INTEGER DEFAULT 0,
    completed     INTEGER DEFAULT 0,
    failed        INTEGER DEFAULT 0,
    status        TEXT DEFAULT 'running',
    started_at    TIMESTAMPTZ DEFAULT now(),
    completed_at  TIMESTAMPTZ,
    result        JSONB
);
CREATE INDEX everreach_safari_campaign_runs_campaign ON safari_campaign_runs (campaign_id);

CREATE TABLE IF NOT EXISTS safari_service_health (
    id           UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    service_name TEXT NOT NULL UNIQUE,
    port         INTEGER NOT NULL,
    status       TEXT,
    response_ms  INTEGER,
    checked_at   TIMESTAMPTZ DEFAULT now()
);
