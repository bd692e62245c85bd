-- The agents, shared with another program, which sets `needs_restart` and writes heartbeats here. `everreach_definition` is all of a
-- definition, `everreach_wanted` whether it should run, `everreach_owner` which supervisor looks after it, and the rest its process.
CREATE TABLE IF NOT EXISTS actp_agent_registry (
    id                    TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    agent_id              TEXT NOT NULL,
    name                  TEXT,
    entry_point           TEXT,
    capabilities          TEXT,
    health_url            TEXT,
    status                TEXT,
    registered_at         TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    needs_restart         BOOLEAN DEFAULT FALSE,
    everreach_definition  TEXT,
    everreach_wanted      TEXT,
    everreach_owner       TEXT,
    everreach_boot        TEXT,
    everreach_pid         INTEGER,
    everreach_incarnation TEXT,
    everreach_changed_at  TEXT
);
CREATE UNIQUE INDEX everreach_agent_registry_agent ON actp_agent_registry (agent_id);

-- How agents were: a row when something changes, and every few minutes.
CREATE TABLE IF NOT EXISTS actp_agent_health_log (
    id           TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    agent_id     TEXT NOT NULL,
    health_score INTEGER,
    response_ms  INTEGER,
    error        TEXT,
    checked_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
);
CREATE INDEX everreach_agent_health_log_agent ON actp_agent_health_log (agent_id, checked_at);

-- Each start that followed an end. `success` is NULL until it is proven that the agent is well again, or that it is not.
CREATE TABLE IF NOT EXISTS actp_agent_restarts (
    id                     TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    agent_id               TEXT NOT NULL,
    reason                 TEXT,
    pid_before             INTEGER,
    pid_after              INTEGER,
    success                BOOLEAN,
    restarted_at           TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    everreach_detail       TEXT,
    everreach_recovered_ms INTEGER
);
CREATE INDEX everreach_agent_restarts_agent ON actp_agent_restarts (agent_id, restarted_at);

-- The circuits of agents: CLOSED, OPEN or HALF_OPEN.
CREATE TABLE IF NOT EXISTS actp_circuit_breakers (
    agent_id              TEXT PRIMARY KEY,
    state                 TEXT NOT NULL DEFAULT 'CLOSED',
    failure_count         INTEGER NOT NULL DEFAULT 0,
    last_failure_at       TEXT,
    tripped_at            TEXT,
    everreach_next_try_at TEXT,
    everreach_rests       INTEGER NOT NULL DEFAULT 0,
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
