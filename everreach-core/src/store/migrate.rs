//! The schema, step by step; the same numbers and names for both databases.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::Dialect;
use crate::{Error, ErrorKind, Result};

/// The table that remembers which steps were taken; a name of our own, since the database may be shared.
const TABLE: &str = "everreach_migrations";

struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "used with the feature only"))]
    postgres: &'static str,
}

const STEPS: [Step; 15] = [
    Step {
        version: 1,
        name: "events",
        sqlite: include_str!("../../migrations/sqlite/0001_events.sql"),
        postgres: include_str!("../../migrations/postgres/0001_events.sql"),
    },
    Step {
        version: 2,
        name: "ledger",
        sqlite: include_str!("../../migrations/sqlite/0002_ledger.sql"),
        postgres: include_str!("../../migrations/postgres/0002_ledger.sql"),
    },
    Step {
        version: 3,
        name: "control",
        sqlite: include_str!("../../migrations/sqlite/0003_control.sql"),
        postgres: include_str!("../../migrations/postgres/0003_control.sql"),
    },
    Step {
        version: 4,
        name: "cost",
        sqlite: include_str!("../../migrations/sqlite/0004_cost.sql"),
        postgres: include_str!("../../migrations/postgres/0004_cost.sql"),
    },
    Step {
        version: 5,
        name: "hybrid_cache",
        sqlite: include_str!("../../migrations/sqlite/0005_hybrid_cache.sql"),
        postgres: include_str!("../../migrations/postgres/0005_hybrid_cache.sql"),
    },
    Step {
        version: 6,
        name: "safari",
        sqlite: include_str!("../../migrations/sqlite/0006_safari.sql"),
        postgres: include_str!("../../migrations/postgres/0006_safari.sql"),
    },
    Step {
        version: 7,
        name: "safari_work",
        sqlite: include_str!("../../migrations/sqlite/0007_safari_work.sql"),
        postgres: include_str!("../../migrations/postgres/0007_safari_work.sql"),
    },
    Step {
        version: 8,
        name: "safari_campaign_keys",
        sqlite: include_str!("../../migrations/sqlite/0008_safari_campaign_keys.sql"),
        postgres: include_str!("../../migrations/postgres/0008_safari_campaign_keys.sql"),
    },
    Step {
        version: 9,
        name: "leases",
        sqlite: include_str!("../../migrations/sqlite/0009_leases.sql"),
        postgres: include_str!("../../migrations/postgres/0009_leases.sql"),
    },
    Step {
        version: 10,
        name: "schedule",
        sqlite: include_str!("../../migrations/sqlite/0010_schedule.sql"),
        postgres: include_str!("../../migrations/postgres/0010_schedule.sql"),
    },
    Step {
        version: 11,
        name: "bus",
        sqlite: include_str!("../../migrations/sqlite/0011_bus.sql"),
        postgres: include_str!("../../migrations/postgres/0011_bus.sql"),
    },
    Step {
        version: 12,
        name: "local_calls",
        sqlite: include_str!("../../migrations/sqlite/0012_local_calls.sql"),
        postgres: include_str!("../../migrations/postgres/0012_local_calls.sql"),
    },
    Step {
        version: 13,
        name: "state_sync",
        sqlite: include_str!("../../migrations/sqlite/0013_state_sync.sql"),
        postgres: include_str!("../../migrations/postgres/0013_state_sync.sql"),
    },
    Step {
        version: 14,
        name: "safari_combined",
        sqlite: include_str!("../../migrations/sqlite/0014_safari_combined.sql"),
        postgres: include_str!("../../migrations/postgres/0014_safari_combined.sql"),
    },
    Step {
        version: 15,
        name: "agents",
        sqlite: include_str!("../../migrations/sqlite/0015_agents.sql"),
        postgres: include_str!("../../migrations/postgres/0015_agents.sql"),
    },
];

/// How far the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationState {
    /// The newest step that the database has.
    pub applied: i64,
    /// The newest step that this program knows.
    pub known: i64,
}

impl MigrationState {
    pub(super) fn new(applied: i64) -> Self {
        Self { applied, known: STEPS.iter().map(|step| step.version).max().unwrap_or(0) }
    }
}

/// Takes every step that is missing; refuses a database that has steps this program does not know.
pub(super) fn migrator(dialect: Dialect) -> Migrator {
    let text = |step: &Step| match dialect {
        Dialect::Sqlite => step.sqlite,
        #[cfg(feature = "postgres")]
        Dialect::Postgres => step.postgres,
    };
    let steps = STEPS
        .iter()
        .map(|step| Migration::new(step.version, step.name.into(), MigrationType::Simple, text(step).into_sql_str(), false));
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.dangerous_set_table_name(TABLE);
    // Whoever runs it holds a lock already, and until its transaction is committed.
    migrator.set_locking(false);
    migrator
}

/// The newest step in the database, for people and for `db status`.
pub(super) const NEWEST_APPLIED: &str = "SELECT COALESCE(MAX(version), 0) FROM everreach_migrations";

/// Whether the database has every step; refuses one that has steps this program does not know.
pub(super) fn is_complete(newest_applied: i64) -> Result<bool> {
    let MigrationState { applied, known } = MigrationState::new(newest_applied);
    if applied > known { Err(too_new(applied)) } else { Ok(applied == known) }
}

fn too_new(step: i64) -> Error {
    Error::new(
        ErrorKind::SchemaTooNew,
        "the database was written by a newer version: install that version, or restore a backup made by this one",
    )
    .with_operation("migrate the database")
    .with("step", step)
}

pub(super) fn explain(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => too_new(version),
        MigrateError::VersionMismatch(version) => {
            Error::new(ErrorKind::Store, "a schema step in the database differs from the one in this program")
                .with("step", version)
        }
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => Error::from(source),
        other => Error::new(ErrorKind::Store, "the schema cannot be brought up to date").with_source(other),
    }
    .with_operation("migrate the database")
}
