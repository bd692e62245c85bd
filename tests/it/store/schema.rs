//! The schema: from nothing, once, never backwards.

use everreach_core::ErrorKind;
use everreach_core::store::{Store, StoreConfig};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::File;
use crate::support::store::{execute, number, postgres_url};

/// A step of some future version.
const FUTURE: &str = "INSERT INTO everreach_migrations (version, description, success, checksum, execution_time) \
    VALUES (9999, 'of the future', TRUE, CAST('abc' AS ";

async fn dump_sqlite(file: &File) -> Vec<(String, String)> {
    let mut connection = file.connect().await;
    let dump = sqlx::query_as("SELECT name, COALESCE(sql, '') FROM sqlite_schema ORDER BY name").fetch_all(&mut connection).await;
    connection.close().await.expect("it closes");
    dump.expect("a schema")
}

async fn dump_postgres(url: &str) -> Vec<(String, String)> {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    let columns = "SELECT table_name::text || '.' || column_name::text, data_type::text FROM information_schema.columns \
        WHERE table_schema = 'public' ORDER BY 1";
    sqlx::query_as(columns).fetch_all(&mut connection).await.expect("a schema")
}

async fn opening_twice_changes_nothing(url: &str) {
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens");
    let state = store.migration_state().await.expect("a state");
    assert_eq!(state.applied, state.known);
    assert!(state.known > 0);
    let steps = number(&store, "SELECT COUNT(*) FROM everreach_migrations").await;
    execute(&store, "UPDATE everreach_stop SET reason = 'kept'").await;
    store.close().await;
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens again");
    assert_eq!(number(&store, "SELECT COUNT(*) FROM everreach_migrations").await, steps);
    assert_eq!(number(&store, "SELECT COUNT(*) FROM everreach_stop WHERE reason = 'kept'").await, 1);
    store.close().await;
}

#[tokio::test]
async fn the_second_opening_changes_nothing_on_sqlite() {
    let file = File::new();
    file.open().await.close().await;
    let (before, bytes) = (dump_sqlite(&file).await, std::fs::read(file.path()).expect("the file"));
    file.open().await.close().await;
    assert_eq!(std::fs::read(file.path()).expect("the file"), bytes);
    opening_twice_changes_nothing(&file.url()).await;
    assert_eq!(dump_sqlite(&file).await, before);
}

#[tokio::test]
async fn the_second_opening_changes_nothing_on_postgres() {
    let url = postgres_url().await;
    Store::open(&StoreConfig::new(&url)).await.expect("it opens").close().await;
    let before = dump_postgres(&url).await;
    opening_twice_changes_nothing(&url).await;
    assert_eq!(dump_postgres(&url).await, before);
}

#[tokio::test]
async fn opening_an_up_to_date_file_needs_no_lock() {
    let file = File::new();
    file.open().await.close().await;
    let mut other: SqliteConnection = file.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("the lock is free");
    let opened = tokio::time::timeout(std::time::Duration::from_secs(4), file.open()).await;
    opened.expect("nobody waits for the lock").ping().await.expect("it answers");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone_on_sqlite() {
    let file = File::new();
    let store = file.open().await;
    execute(&store, format!("{FUTURE} BLOB), 1)")).await;
    // What a newer version may have done to a table that we would otherwise complete.
    execute(&store, "DROP VIEW everreach_cost_entries").await;
    execute(&store, "DROP TABLE actp_cost_log").await;
    execute(&store, "CREATE TABLE actp_cost_log (service TEXT, action TEXT, cost_usd NUMERIC, created_at TEXT)").await;
    store.close().await;
    let (before, bytes) = (dump_sqlite(&file).await, std::fs::read(file.path()).expect("the file"));
    let error = Store::open(&file.config()).await.expect_err("too new");
    assert_eq!(error.kind(), ErrorKind::SchemaTooNew, "{error:?}");
    assert!(error.to_string().contains("9999"), "{error}");
    assert_eq!(dump_sqlite(&file).await, before);
    assert_eq!(std::fs::read(file.path()).expect("the file"), bytes);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone_on_postgres() {
    let url = postgres_url().await;
    let store = Store::open(&StoreConfig::new(&url)).await.expect("it opens");
    execute(&store, format!("{FUTURE} BYTEA), 1)")).await;
    execute(&store, "ALTER TABLE actp_cost_log DROP COLUMN everreach_essential").await;
    store.close().await;
    let before = dump_postgres(&url).await;
    let error = Store::open(&StoreConfig::new(&url)).await.expect_err("too new");
    assert_eq!(error.kind(), ErrorKind::SchemaTooNew, "{error:?}");
    assert!(error.to_string().contains("9999"), "{error}");
    assert_eq!(dump_postgres(&url).await, before);
}

#[tokio::test]
async fn a_backup_restores_and_is_sound() {
    let file = File::new();
    let store = file.open().await;
    execute(&store, "UPDATE everreach_stop SET reason = 'backed up'").await;
    let copy = File::new();
    store.backup(copy.path()).await.expect("a backup");
    assert_eq!(store.backup(copy.path()).await.expect_err("it exists").kind(), ErrorKind::Conflict);
    execute(&store, "UPDATE everreach_stop SET reason = 'later'").await;

    let restored = copy.open().await;
    assert_eq!(number(&restored, "SELECT COUNT(*) FROM everreach_stop WHERE reason = 'backed up'").await, 1);
    assert_eq!(number(&restored, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'").await, 0);
    assert_eq!(number(&restored, "SELECT COUNT(*) FROM pragma_foreign_key_check").await, 0);
    execute(&restored, "UPDATE everreach_stop SET reason = 'in use'").await;
    let known = restored.migration_state().await.expect("a state");
    assert_eq!(known.applied, known.known);
}
