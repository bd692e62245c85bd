//! Tables that another program made first.

use everreach_core::cost::{CostConfig, CostGuard, CostRequest, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{ErrorKind, SharedClock};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::File;
use crate::support::store::{number, postgres_url};

const LOG_SQLITE: &str = "CREATE TABLE actp_cost_log (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), service TEXT NOT NULL, \
    action TEXT NOT NULL, cost_usd REAL NOT NULL, note TEXT, created_at TEXT NOT NULL)";
const LOG_POSTGRES: &str = "CREATE TABLE actp_cost_log (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), service TEXT NOT NULL, \
    action TEXT NOT NULL, cost_usd NUMERIC(10, 6) NOT NULL, note TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT now())";
const THEIRS: &str = "INSERT INTO actp_cost_log (service, action, cost_usd, note, created_at) \
    VALUES ('llm', 'llm.tokens', 1.25, 'theirs', '2026-11-20T08:00:00Z')";

async fn prepare_sqlite(file: &File, statements: &[&'static str]) {
    let mut connection = file.connect().await;
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.expect("the other program's statement");
    }
    connection.close().await.expect("it closes");
}

async fn prepare_postgres(url: &str, statements: &[&'static str]) {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    for statement in statements {
        sqlx::query(AssertSqlSafe(*statement)).execute(&mut connection).await.expect("the other program's statement");
    }
}

/// Their rows count, their column stays, and both programs go on writing.
async fn their_table_is_adopted(url: &str) {
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens");
    assert_eq!(number(&store, "SELECT COUNT(*) FROM actp_cost_log WHERE note = 'theirs'").await, 1);
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let clock: SharedClock = std::sync::Arc::new(everreach_core::testing::ManualClock::at(now));
    let guard = SqlCostGuard::new(store.clone(), CostConfig::default(), clock, EventLog::start(store.clone())).expect("a guard");
    let price = "0.5".parse().expect("an amount");
    let held = guard.reserve(CostRequest::new("research.platform".parse().expect("a name"), price)).await.expect("room");
    guard.settle(&held, price).await.expect("it is booked");
    let cost = guard.monthly_cost().await.expect("the month is told");
    assert_eq!(cost.total_usd, "1.75".parse().expect("an amount"));
    crate::support::store::execute(&store, THEIRS).await;
    assert_eq!(guard.absorb().await.expect("it is folded in").rows, 2);
    assert!(guard.audit().await.expect("an audit").is_consistent());
    store.close().await;
    Store::open(&StoreConfig::new(url)).await.expect("and opens again").close().await;
}

#[tokio::test]
async fn a_cost_log_of_another_program_is_completed_on_sqlite() {
    let file = File::new();
    prepare_sqlite(&file, &[LOG_SQLITE, THEIRS]).await;
    their_table_is_adopted(&file.url()).await;
}

#[tokio::test]
async fn a_cost_log_of_another_program_is_completed_on_postgres() {
    let url = postgres_url().await;
    prepare_postgres(&url, &[LOG_POSTGRES, THEIRS]).await;
    their_table_is_adopted(&url).await;
}

async fn the_missing_column_is_named(url: &str) {
    let error = Store::open(&StoreConfig::new(url)).await.expect_err("a column is missing");
    assert_eq!(error.kind(), ErrorKind::Store);
    let text = error.to_string();
    assert!(text.contains("actp_cost_log") && text.contains("cost_usd"), "{text}");
}

#[tokio::test]
async fn a_needed_column_that_is_missing_is_named_on_sqlite() {
    let file = File::new();
    prepare_sqlite(&file, &["CREATE TABLE actp_cost_log (service TEXT, action TEXT, created_at TEXT)"]).await;
    the_missing_column_is_named(&file.url()).await;
    let mut connection = file.connect().await;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(tables, 1, "nothing was made beside it");
}

#[tokio::test]
async fn a_needed_column_that_is_missing_is_named_on_postgres() {
    let url = postgres_url().await;
    prepare_postgres(&url, &["CREATE TABLE actp_cost_log (service TEXT, action TEXT, created_at TIMESTAMPTZ)"]).await;
    the_missing_column_is_named(&url).await;
}
