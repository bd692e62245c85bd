-- What was spent, shared with other programs: cost_usd is a decimal of dollars here too. Rows without everreach_month
-- were inserted by another program and are not yet part of a month's total below; those that cannot be read are marked 'unreadable'.
CREATE TABLE IF NOT EXISTS actp_cost_log (
    id                    TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    service               TEXT NOT NULL,
    action                TEXT NOT NULL,
    cost_usd              NUMERIC NOT NULL DEFAULT 0,
    env                   TEXT NOT NULL DEFAULT 'cloud',
    created_at            TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    everreach_month       TEXT,
    everreach_essential   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX everreach_cost_log_month ON actp_cost_log (everreach_month, created_at);
CREATE INDEX everreach_cost_log_age ON actp_cost_log (created_at);

-- The same rows as we understand them: `at` in our own form and whole seconds (a month begins on one), `cost_micro` in
-- millionths of a dollar. Either is NULL where the text of another program cannot be read. The fraction of a second is cut
-- off before the text is read, so that no rounding moves a row past the end of a month; PostgreSQL's short offsets (+00,
-- +0000) get the colon that SQLite wants.
CREATE VIEW everreach_cost_entries AS
SELECT
    entry,
    month,
    service,
    action,
    essential,
    created_at,
    CASE WHEN created_at >= '1970' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN
        strftime('%Y-%m-%dT%H:%M:%S.000000Z', substr(created_at, 1, 19) || CASE
            WHEN suffix GLOB '[+-][0-9][0-9]' THEN suffix || ':00'
            WHEN suffix GLOB '[+-][0-9][0-9][0-9][0-9]' THEN substr(suffix, 1, 3) || ':' || substr(suffix, 4)
            ELSE suffix
        END)
    END AS at,
    CASE WHEN is_number AND cost_usd + 0 BETWEEN 0 AND 1000000 THEN CAST(ROUND(cost_usd * 1000000) AS INTEGER) END AS cost_micro
FROM (
    SELECT
        rowid AS entry,
        everreach_month AS month,
        COALESCE(CAST(service AS TEXT), 'unknown') AS service,
        COALESCE(CAST(action AS TEXT), 'unknown') AS action,
        everreach_essential AS essential,
        created_at,
        cost_usd,
        ltrim(substr(created_at, 20), '.0123456789') AS suffix,
        typeof(cost_usd) IN ('integer', 'real')
            OR (typeof(cost_usd) = 'text' AND cost_usd GLOB '*[0-9]*' AND cost_usd NOT GLOB '*[^0-9.]*' AND cost_usd NOT GLOB '*.*.*') AS is_number
    FROM actp_cost_log
);

-- The running totals of a month, in millionths of a dollar. Essential spend is booked apart.
CREATE TABLE everreach_cost_months (
    month                    TEXT PRIMARY KEY,
    settled_micro            INTEGER NOT NULL DEFAULT 0 CHECK (settled_micro >= 0),
    reserved_micro           INTEGER NOT NULL DEFAULT 0 CHECK (reserved_micro >= 0),
    essential_settled_micro  INTEGER NOT NULL DEFAULT 0 CHECK (essential_settled_micro >= 0),
    essential_reserved_micro INTEGER NOT NULL DEFAULT 0 CHECK (essential_reserved_micro >= 0),
    soft_alerted_at          TEXT,
    hard_alerted_at          TEXT
) STRICT;

CREATE TABLE everreach_cost_reservations (
    id           TEXT PRIMARY KEY,
    month        TEXT NOT NULL,
    service      TEXT NOT NULL,
    action       TEXT NOT NULL,
    amount_micro INTEGER NOT NULL CHECK (amount_micro >= 0),
    actual_micro INTEGER,
    essential    INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    call_key     TEXT,
    created_at   TEXT NOT NULL,
    lease_until  TEXT NOT NULL,
    closed_at    TEXT
) STRICT;
CREATE INDEX everreach_cost_reservations_held ON everreach_cost_reservations (id) WHERE state = 'held';
-- For a crash's leftovers: which reservations belong to one call.
CREATE INDEX everreach_cost_reservations_call ON everreach_cost_reservations (call_key) WHERE call_key IS NOT NULL;
