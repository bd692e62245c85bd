//! `db`: the database itself, not through the API.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use everreach_core::store::{Dialect, Store, StoreConfig};
use everreach_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::Context;
use crate::exit::{Failure, Outcome};
use crate::output::{cell, fields};
use crate::settings::table;

/// The verbs of `db`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum DbCommand {
    /// Create the database or bring its schema up to date
    #[command(after_help = "Examples:\n  everreach db migrate\n  everreach db migrate --database-url postgres://user@host/name")]
    Migrate,
    /// Say which database it is and how far its schema is
    #[command(after_help = "Examples:\n  everreach db status\n  everreach db status --json")]
    Status,
    /// Copy a SQLite database, as it is at one moment, into a new file
    #[command(after_help = "Examples:\n  everreach db backup everreach-backup.db\n  everreach db backup /backups/$(date +%F).db")]
    Backup {
        /// The new file
        file: PathBuf,
    },
}

pub(super) async fn run(command: &DbCommand, context: &Context) -> Outcome {
    if context.global.server.is_some() {
        return Err(Failure::usage("db acts on the database itself: leave --server out, or run it where the server runs"));
    }
    let config = context.settings.store()?;
    if matches!(command, DbCommand::Status | DbCommand::Backup { .. })
        && let Some(path) = sqlite_file(&config)
        && !path.exists()
    {
        return Err(Error::new(ErrorKind::NotFound, "there is no database yet; `everreach db migrate` creates it")
            .with("file", path.display())
            .into());
    }
    let store = Store::open(&config).await?;
    let result = act(command, &store, context).await;
    store.close().await;
    result
}

async fn act(command: &DbCommand, store: &Store, context: &Context) -> Outcome {
    match command {
        DbCommand::Migrate | DbCommand::Status => {
            let status = status(store, context).await?;
            context.output.data(&status, |status| {
                let names = ["database", "url", "path", "schema", "newest_schema"];
                fields(&names.map(|name| (name, cell(&status[name]))))
            })
        }
        DbCommand::Backup { file } => {
            store.backup(file.clone()).await?;
            let answer = json!({"file": file.display().to_string(), "bytes": std::fs::metadata(file)?.len()});
            context.output.data(&answer, |answer| format!("{}\n", cell(&answer["file"])))
        }
    }
}

async fn status(store: &Store, context: &Context) -> Result<Value> {
    let state = store.migration_state().await?;
    Ok(json!({
        "database": if store.dialect() == Dialect::Sqlite { "sqlite" } else { "postgres" },
        "url": context.settings.shown(&table::DATABASE_URL).filter(|_| store.path().is_none()),
        "path": store.path().map(|path| path.display().to_string()),
        "schema": state.applied,
        "newest_schema": state.known,
    }))
}

/// The file of a SQLite database; `None` for one in memory or on PostgreSQL.
pub(super) fn sqlite_file(config: &StoreConfig) -> Option<&Path> {
    let path = config.url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    (path != ":memory:").then(|| Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_from_the_url() {
        let file = |url: &str| sqlite_file(&StoreConfig::new(url)).map(Path::to_path_buf);
        assert_eq!(file("sqlite://data/everreach.db"), Some("data/everreach.db".into()));
        assert_eq!(file("sqlite:///var/x.db?mode=rwc"), Some("/var/x.db".into()));
        assert_eq!(file("sqlite::memory:"), None);
        assert_eq!(file("postgres://h/d"), None);
    }
}
