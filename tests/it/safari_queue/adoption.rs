//! A table that another program made first.

use everreach_core::ErrorKind;
use everreach_core::safari::CommandStatus;
use everreach_core::store::StoreConfig;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::*;
use crate::support::store::postgres_url;

const SQLITE: &str = "CREATE TABLE safari_command_queue (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), action TEXT NOT NULL, \
    platform TEXT, params TEXT DEFAULT '{}', priority INT DEFAULT 5, status TEXT DEFAULT 'pending' CHECK (status IN ('pending', 'running', \
    'completed', 'failed', 'cancelled')), result TEXT, error TEXT, note TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT)";

fn postgres(result: &str) -> String {
    format!(
        "CREATE TABLE safari_command_queue (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), action TEXT NOT NULL, platform TEXT, \
         params JSONB DEFAULT '{{}}', priority INT DEFAULT 5, status VARCHAR(20) DEFAULT 'pending' CHECK (status IN ('pending', 'running', \
         'completed', 'failed', 'cancelled')), result {result}, error TEXT, note TEXT, created_at TIMESTAMPTZ DEFAULT now(), \
         updated_at TIMESTAMPTZ DEFAULT now(), scheduled_for TIMESTAMPTZ, processed_at TIMESTAMPTZ)"
    )
}

const THEIRS: &str = "INSERT INTO safari_command_queue (action, platform, params, priority, status, result, note) VALUES \
    ('send_dm', 'twitter', '{\"username\": \"bob\", \"text\": \"hi\"}', NULL, 'pending', NULL, 'theirs'), \
    ('send_dm', 'twitter', '{}', 5, 'completed', '{\"detail\": \"old\"}', 'theirs')";

async fn their_table_serves(url: &str) {
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens");
    let bench = Bench::new(store);
    // Their rows are older than the clock of the test.
    let claimed = bench.claim_one().await;
    let id = claimed.command().id;
    assert_eq!(claimed.command().priority, 5);
    bench.dispatch(&claimed).await;
    bench.finish(claimed, sent()).await;
    let entry = bench.get(id).await.entry;
    assert_eq!(entry.command.status, CommandStatus::Completed);
    assert_eq!(entry.command.result.expect("a result")["outcome"], "sent", "an object, whatever the column is");
    bench.enqueue(bench.dm(Platform::Tiktok, "ann")).await;
    bench.work(refused()).await;
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue WHERE note = 'theirs'").await, 2);
    bench.store.close().await;
    Store::open(&StoreConfig::new(url)).await.expect("it opens again").close().await;
}

#[tokio::test]
async fn a_queue_of_another_program_is_completed_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/theirs.db", folder.path().display());
    let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.expect("a connection");
    for statement in [SQLITE, THEIRS] {
        sqlx::query(statement).execute(&mut connection).await.expect("their statement");
    }
    connection.close().await.expect("it closes");
    their_table_serves(&url).await;
}

async fn a_postgres_queue_is_completed(result: &str) {
    let url = postgres_url().await;
    let mut connection = PgConnection::connect(&url).await.expect("it answers");
    for statement in [postgres(result), THEIRS.to_owned()] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("their statement");
    }
    their_table_serves(&url).await;
}

#[tokio::test]
async fn a_queue_whose_result_is_text_is_completed_on_postgres() {
    a_postgres_queue_is_completed("TEXT").await;
}

#[tokio::test]
async fn a_queue_whose_result_is_jsonb_is_completed_on_postgres() {
    a_postgres_queue_is_completed("JSONB").await;
}

#[tokio::test]
async fn a_column_that_is_missing_is_named() {
    let url = postgres_url().await;
    let mut connection = PgConnection::connect(&url).await.expect("it answers");
    let statement = "CREATE TABLE safari_command_queue (id UUID, action TEXT, platform TEXT, params JSONB, status TEXT)";
    sqlx::query(statement).execute(&mut connection).await.expect("their statement");
    let error = Store::open(&StoreConfig::new(url)).await.expect_err("a column is missing");
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("safari_command_queue") && error.to_string().contains("priority"), "{error}");
}
