-- What was spent, shared with other programs: cost_usd is a decimal of dollars here too. Rows without everreach_month
-- were inserted by another program and are not yet part of a month's total below.
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
CREATE INDEX everreach_cost_log_month ON actp_cost_log (everreach_month);
CREATE INDEX everreach_cost_log_foreign ON actp_cost_log (created_at) WHERE everreach_month IS NULL;

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
CREATE INDEX everreach_cost_reservations_held ON everreach_cost_reservations (lease_until) WHERE state = 'held';
