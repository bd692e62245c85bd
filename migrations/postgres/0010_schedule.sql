-- The log of jobs, shared with other programs, whose rows name no slot. `scheduled_at` is the slot of ours, and whoever inserts it
-- fires it; `everreach_status` says where it stands, `everreach_lease_until` until when its runner is taken to be alive,
-- `everreach_event` which delivery fired it, `everreach_steps` what each step answered.
CREATE TABLE IF NOT EXISTS actp_cron_log (
    id                    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    job_name              TEXT NOT NULL,
    fired_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    env                   TEXT NOT NULL,
    duration_ms           INTEGER,
    ok                    BOOLEAN DEFAULT TRUE,
    scheduled_at          TIMESTAMPTZ,
    everreach_status      TEXT,
    everreach_reason      TEXT,
    everreach_origin      TEXT,
    everreach_event       TEXT,
    everreach_runner      TEXT,
    everreach_lease_until TIMESTAMPTZ,
    everreach_epoch       BIGINT,
    everreach_steps       TEXT
);
CREATE UNIQUE INDEX everreach_cron_log_slot ON actp_cron_log (job_name, scheduled_at) WHERE scheduled_at IS NOT NULL;
CREATE UNIQUE INDEX everreach_cron_log_event ON actp_cron_log (job_name, everreach_event) WHERE everreach_event IS NOT NULL;
CREATE INDEX everreach_cron_log_fired ON actp_cron_log (job_name, fired_at);
CREATE INDEX everreach_cron_log_running ON actp_cron_log (job_name, everreach_lease_until) WHERE everreach_status = 'running';

-- Since when a job is looked after with this timing, and until where its slots are settled.
CREATE TABLE everreach_cron_marks (
    job_name      TEXT NOT NULL,
    timing        TEXT NOT NULL,
    first_start   TIMESTAMPTZ NOT NULL,
    settled_until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job_name, timing)
);
