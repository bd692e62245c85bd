-- Who may do what only one process may do. The number grows with every change of the holder; rows are never removed.
CREATE TABLE everreach_leases (
    resource    TEXT PRIMARY KEY,
    holder      TEXT,
    epoch       INTEGER NOT NULL,
    acquired_at TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    note        TEXT
) STRICT;
