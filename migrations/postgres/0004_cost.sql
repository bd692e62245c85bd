-- What was spent, shared with other programs. Rows without everreach_month were inserted by another program and are
-- not yet part of a month's total below; those that cannot be read are marked 'unreadable'. No view stands on this table: it
-- would keep its owner from changing a column's type, and go past the row security of hosted databases.
CREATE TABLE IF NOT EXISTS actp_cost_log (
    id                    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    service               TEXT NOT NULL,
    action                TEXT NOT NULL,
    cost_usd              NUMERIC(10, 6) NOT NULL DEFAULT 0,
    env                   TEXT NOT NULL DEFAULT 'cloud',
    created_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    everreach_month       TEXT,
    everreach_essential   BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX everreach_cost_log_month ON actp_cost_log (everreach_month, created_at);
CREATE INDEX everreach_cost_log_age ON actp_cost_log (created_at);

-- The running totals of a month, in millionths of a dollar. Essential spend is booked apart.
CREATE TABLE everreach_cost_months (
    month                    TEXT PRIMARY KEY,
    settled_micro            BIGINT NOT NULL DEFAULT 0 CHECK (settled_micro >= 0),
    reserved_micro           BIGINT NOT NULL DEFAULT 0 CHECK (reserved_micro >= 0),
    essential_settled_micro  BIGINT NOT NULL DEFAULT 0 CHECK (essential_settled_micro >= 0),
    essential_reserved_micro BIGINT NOT NULL DEFAULT 0 CHECK (essential_reserved_micro >= 0),
    soft_alerted_at          TIMESTAMPTZ,
    hard_alerted_at          TIMESTAMPTZ
);

CREATE TABLE everreach_cost_reservations (
    id           UUID PRIMARY KEY,
    month        TEXT NOT NULL,
    service      TEXT NOT NULL,
    action       TEXT NOT NULL,
    amount_micro BIGINT NOT NULL CHECK (amount_micro >= 0),
    actual_micro BIGINT,
    essential    BOOLEAN NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    call_key     TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    lease_until  TIMESTAMPTZ NOT NULL,
    closed_at    TIMESTAMPTZ
);
CREATE INDEX everreach_cost_reservations_held ON everreach_cost_reservations (id) WHERE state = 'held';
-- For a crash's leftovers: which reservations belong to one call.
CREATE INDEX everreach_cost_reservations_call ON everreach_cost_reservations (call_key) WHERE call_key IS NOT NULL;
