-- What all accounts together have sent is counted beside each one's own: what is already counted begins it.
INSERT INTO safari_rate_limits (platform, action, period, started_at, used)
    SELECT 'all', 'send', period, started_at, SUM(used) FROM safari_rate_limits
    WHERE platform IN ('instagram', 'twitter', 'tiktok', 'linkedin') AND action IN ('dm', 'comment')
    GROUP BY period, started_at
    ON CONFLICT (platform, action, period, started_at) DO NOTHING;

-- When a service that suffers from being asked was last asked how it is, so that all processes together ask it once a minute.
CREATE TABLE everreach_safari_health_turns (
    service_name TEXT NOT NULL,
    port         INTEGER NOT NULL,
    asked_at     TEXT NOT NULL,
    PRIMARY KEY (service_name, port)
) STRICT, WITHOUT ROWID;
