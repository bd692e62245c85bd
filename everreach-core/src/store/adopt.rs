//! Tables that other programs may have made first: check what is needed, add what is missing, ignore the rest.

use sqlx::SqliteConnection;

use crate::{Error, ErrorKind, Result};

struct SharedTable {
    name: &'static str,
    /// Columns without which we cannot work.
    needed: &'static [&'static str],
    added: &'static [AddedColumn],
}

struct AddedColumn {
    name: &'static str,
    sqlite: &'static str,
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "used with the feature only"))]
    postgres: &'static str,
}

const fn text(name: &'static str) -> AddedColumn {
    AddedColumn { name, sqlite: "TEXT", postgres: "TEXT" }
}

const fn time(name: &'static str) -> AddedColumn {
    AddedColumn { name, sqlite: "TEXT", postgres: "TIMESTAMPTZ" }
}

const fn number(name: &'static str) -> AddedColumn {
    AddedColumn { name, sqlite: "INTEGER", postgres: "BIGINT" }
}

const SHARED: [SharedTable; 12] = [
    SharedTable {
        name: "actp_cost_log",
        needed: &["service", "action", "cost_usd", "created_at"],
        added: &[
            AddedColumn { name: "env", sqlite: "TEXT NOT NULL DEFAULT 'cloud'", postgres: "TEXT NOT NULL DEFAULT 'cloud'" },
            AddedColumn { name: "everreach_month", sqlite: "TEXT", postgres: "TEXT" },
            AddedColumn {
                name: "everreach_essential",
                sqlite: "INTEGER NOT NULL DEFAULT 0",
                postgres: "BOOLEAN NOT NULL DEFAULT FALSE",
            },
        ],
    },
    SharedTable {
        name: "actp_cron_log",
        needed: &["id", "job_name", "fired_at", "env"],
        added: &[
            AddedColumn { name: "duration_ms", sqlite: "INTEGER", postgres: "INTEGER" },
            AddedColumn { name: "ok", sqlite: "BOOLEAN DEFAULT TRUE", postgres: "BOOLEAN DEFAULT TRUE" },
            time("scheduled_at"),
            text("everreach_status"),
            text("everreach_reason"),
            text("everreach_origin"),
            text("everreach_event"),
            text("everreach_runner"),
            time("everreach_lease_until"),
            AddedColumn { name: "everreach_epoch", sqlite: "INTEGER", postgres: "BIGINT" },
            text("everreach_steps"),
        ],
    },
    SharedTable {
        name: "hybrid_messages",
        needed: &["id", "topic", "payload_json", "created_at", "consumed_at"],
        added: &[
            text("everreach_id"),
            AddedColumn { name: "everreach_seq", sqlite: "INTEGER", postgres: "BIGINT" },
            text("everreach_origin"),
            AddedColumn { name: "everreach_place", sqlite: "INTEGER", postgres: "BIGINT" },
            text("everreach_dedup"),
            time("everreach_at"),
        ],
    },
    SharedTable { name: "hybrid_cache", needed: &["action", "params_hash", "response_json", "cached_at"], added: &[] },
    SharedTable {
        name: "safari_command_queue",
        needed: &["id", "action", "platform", "params", "priority", "status", "result", "error", "created_at", "updated_at"],
        added: &[
            time("scheduled_for"),
            AddedColumn { name: "retry_count", sqlite: "INTEGER DEFAULT 0", postgres: "INTEGER DEFAULT 0" },
            time("next_retry_at"),
            text("campaign_id"),
            text("batch_id"),
            text("worker_id"),
            text("everreach_key"),
            text("everreach_lane"),
            time("everreach_due_at"),
            text("everreach_contact"),
            AddedColumn {
                name: "everreach_attempts",
                sqlite: "INTEGER NOT NULL DEFAULT 0",
                postgres: "BIGINT NOT NULL DEFAULT 0",
            },
            time("everreach_claimed_at"),
            time("everreach_lease_until"),
            time("everreach_dispatched_at"),
            text("everreach_charged"),
            text("everreach_outcome"),
        ],
    },
    SharedTable {
        name: "safari_campaign_runs",
        needed: &["id", "campaign_id", "campaign_type", "platform", "total_tasks", "completed", "failed", "status"],
        added: &[time("started_at"), time("completed_at"), AddedColumn { name: "result", sqlite: "TEXT", postgres: "JSONB" }],
    },
    SharedTable {
        name: "actp_workflow_tasks",
        needed: &[
            "id",
            "task_type",
            "status",
            "input_data",
            "output_data",
            "claimed_by",
            "claimed_at",
            "completed_at",
            "error",
            "created_at",
        ],
        added: &[
            AddedColumn { name: "timeout_minutes", sqlite: "INTEGER DEFAULT 30", postgres: "INTEGER DEFAULT 30" },
            text("everreach_key"),
        ],
    },
    SharedTable {
        name: "safari_service_health",
        needed: &["service_name", "port", "status", "response_ms", "checked_at"],
        added: &[],
    },
    SharedTable {
        name: "actp_agent_registry",
        needed: &["agent_id", "name", "entry_point", "capabilities", "health_url", "status"],
        added: &[
            time("registered_at"),
            AddedColumn { name: "needs_restart", sqlite: "BOOLEAN DEFAULT FALSE", postgres: "BOOLEAN DEFAULT FALSE" },
            text("everreach_definition"),
            text("everreach_wanted"),
            text("everreach_owner"),
            text("everreach_boot"),
            number("everreach_pid"),
            text("everreach_incarnation"),
            time("everreach_changed_at"),
        ],
    },
    SharedTable {
        name: "actp_agent_health_log",
        needed: &["agent_id", "health_score", "response_ms", "error", "checked_at"],
        added: &[],
    },
    SharedTable {
        name: "actp_agent_restarts",
        needed: &["id", "agent_id", "reason", "pid_before", "pid_after", "success", "restarted_at"],
        added: &[text("everreach_detail"), number("everreach_recovered_ms")],
    },
    SharedTable {
        name: "actp_circuit_breakers",
        needed: &["agent_id", "state", "failure_count", "last_failure_at", "tripped_at"],
        added: &[
            time("everreach_next_try_at"),
            AddedColumn { name: "everreach_rests", sqlite: "INTEGER NOT NULL DEFAULT 0", postgres: "BIGINT NOT NULL DEFAULT 0" },
            text("everreach_recent"),
        ],
    },
];

impl SharedTable {
    /// The columns to add to a table that has these; nothing when the table does not exist yet.
    fn missing(&self, present: &[String]) -> Result<Vec<&'static AddedColumn>> {
        if present.is_empty() {
            return Ok(Vec::new());
        }
        let has = |column: &str| present.iter().any(|name| name == column);
        if let Some(column) = self.needed.iter().find(|column| !has(column)) {
            return Err(Error::new(
                ErrorKind::Store,
                "a table of another program lacks a column that is needed: add it, or use another database",
            )
            .with_operation("adopt shared tables")
            .with("table", self.name)
            .with("column", column));
        }
        Ok(self.added.iter().filter(|column| !has(column.name)).collect())
    }
}

/// The statements that complete the shared tables; none when there is nothing to do.
pub(super) async fn sqlite(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for table in &SHARED {
        let present: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info($1)").bind(table.name).fetch_all(&mut *connection).await?;
        for column in table.missing(&present)? {
            statements.push(format!("ALTER TABLE {} ADD COLUMN {} {}", table.name, column.name, column.sqlite));
        }
    }
    Ok(statements)
}

/// The same for PostgreSQL.
#[cfg(feature = "postgres")]
pub(super) async fn postgres(connection: &mut sqlx::PgConnection) -> Result<Vec<String>> {
    const COLUMNS: &str =
        "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1";
    let mut statements = Vec::new();
    for table in &SHARED {
        let present: Vec<String> = sqlx::query_scalar(COLUMNS).bind(table.name).fetch_all(&mut *connection).await?;
        for column in table.missing(&present)? {
            statements.push(format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}", table.name, column.name, column.postgres));
        }
    }
    Ok(statements)
}
