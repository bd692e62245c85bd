-- The last good answers of reads, for when the cloud is away.
CREATE TABLE IF NOT EXISTS hybrid_cache (
    action        TEXT NOT NULL,
    params_hash   TEXT NOT NULL,
    response_json TEXT NOT NULL,
    cached_at     TEXT NOT NULL,
    PRIMARY KEY (action, params_hash)
);
