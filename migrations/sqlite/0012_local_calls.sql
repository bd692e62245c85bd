-- The workflow engine's tasks, shared with other programs: oldest first. A row with `everreach_key` stands for a call of the journal
-- that only the local machine can run; it belongs to no execution. Rows of types that are not ours are never touched.
CREATE TABLE IF NOT EXISTS actp_workflow_tasks (
    id              TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    execution_id    TEXT,
    step_id         TEXT,
    task_type       TEXT NOT NULL,
    status          TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'claimed', 'running', 'succeeded', 'failed', 'timed_out')),
    input_data      TEXT NOT NULL,
    output_data     TEXT,
    claimed_by      TEXT,
    claimed_at      TEXT,
    completed_at    TEXT,
    timeout_minutes INTEGER DEFAULT 30,
    error           TEXT,
    created_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    everreach_key   TEXT
);
CREATE UNIQUE INDEX everreach_workflow_tasks_key ON actp_workflow_tasks (everreach_key) WHERE everreach_key IS NOT NULL;
CREATE INDEX everreach_workflow_tasks_open ON actp_workflow_tasks (task_type, created_at)
    WHERE status IN ('pending', 'claimed', 'running');
CREATE INDEX everreach_calls_queued ON everreach_calls (idempotency_key) WHERE state = 'queued';
