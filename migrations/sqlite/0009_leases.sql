-- Who may do what only one process may do. The number grows with every change of the holder; rows are never removed.
CREATE TABLE everreach_leases (
    resource    TEXT PRIMARY KEY,
    holder      TEXT,
    epoch       INTEGER NOT NULL,
    acquired_at TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    note        TEXT
) STRICT;

-- The name of this database, so that two sides can tell whether they share it, and what is known of the other side.
CREATE TABLE everreach_failover (
    name     TEXT PRIMARY KEY,
    value    TEXT NOT NULL,
    noted_at TEXT NOT NULL
) STRICT;
