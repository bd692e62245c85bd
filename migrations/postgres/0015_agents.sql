-- The agents, shared with another program, which sets `needs_restart` and writes heartbeats here. `everreach_definition` is all of a
-- definition, `everreach_wanted` whether it should run, `everreach_owner` which supervisor looks after it, and the rest its process.
CREATE TABLE IF NOT EXISTS actp_agent_registry (
    id                    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    agent_id              TEXT NOT NULL,
    name                  TEXT,
    entry_point           TEXT,
    capabilities          JSONB,
    health_url            TEXT,
    status                TEXT,
    registered_at         TIMESTAMPTZ DEFAULT now(),
    needs_restart         BOOLEAN DEFAULT FALSE,
    everreach_definition  TEXT,
    everreach_wanted      TEXT,
    everreach_owner       TEXT,
    everreach_boot        TEXT,
    everreach_pid         BIGINT,
    everreach_incarnation TEXT,
    everreach_changed_at  TIMESTAMPTZ
);
CREATE UNIQUE INDEX everreach_agent_registry_agent ON actp_agent_registry (agent_id);

-- How agents were: a row when something changes, and every few minutes.
CREATE TABLE IF NOT EXISTS actp_agent_health_log (
    id           UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    agent_id     TEXT NOT NULL,
    health_score BIGINT,
    response_ms  BIGINT,
    error        TEXT,
    checked_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX everreach_agent_health_log_agent ON actp_agent_health_log (agent_id, checked_at);

-- Each start that followed an end. `success` is NULL until it is proven that the agent is well again, or that it is not.
CREATE TABLE IF NOT EXISTS actp_agent_restarts (
    id                     UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    agent_id               TEXT NOT NULL,
    reason                 TEXT,
    pid_before             BIGINT,
    pid_after              BIGINT,
    success                BOOLEAN,
    restarted_at           TIMESTAMPTZ NOT NULL DEFAULT now(),
    everreach_detail       TEXT,
    everreach_recovered_ms BIGINT
);
CREATE INDEX everreach_agent_restarts_agent ON actp_agent_restarts (agent_id, restarted_at);

-- The circuits of agents: CLOSED, OPEN or HALF_OPEN.
CREATE TABLE IF NOT EXISTS actp_circuit_breakers (
    agent_id              TEXT PRIMARY KEY,
    state                 TEXT NOT NULL DEFAULT 'CLOSED',
    failure_count         INTEGER NOT NULL DEFAULT 0,
    last_failure_at       TIMESTAMPTZ,
    tripped_at            TIMESTAMPTZ,
    everreach_next_try_at TIMESTAMPTZ,
    everreach_rests       BIGINT NOT NULL DEFAULT 0,
    everreach_recent      TEXT
);

-- The agents that every installation knows. Other programs start and watch `safari-automation`: it has nothing to run here.
INSERT INTO actp_agent_registry (agent_id, name, entry_point, capabilities, health_url, status) VALUES
    ('content-agent', 'Content agent', 'content_generation_agent.py', '["content.generate", "content.publish"]', NULL, 'registered'),
    ('acquisition-agent', 'Acquisition agent', 'acquisition_agent.py', '["outreach.dm", "outreach.linkedin", "upwork.propose"]', NULL, 'registered'),
    ('revenue-agent', 'Revenue agent', 'revenue_analytics_agent.py', '["revenue.track", "analytics.report"]', NULL, 'registered'),
    ('orchestrator', 'Orchestrator', 'cognitive_orchestrator.py', '["orchestrator.plan", "orchestrator.delegate"]', NULL, 'registered'),
    ('safari-automation', 'Safari automation', NULL, '["research.market", "dm.send"]', 'http://localhost:3106/health', 'registered')
ON CONFLICT DO NOTHING;
