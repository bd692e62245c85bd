//! The workflow engine's table of tasks, as another program made it.

use everreach_core::store::{Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::local_calls::{Pair, search};
use super::*;
use crate::support::store::execute;

/// As the engine has it: its own parents, its own defaults, none of our columns, and one that we do not know.
const THEIRS: &str = "CREATE TABLE actp_workflow_executions (id UUID PRIMARY KEY); \
     CREATE TABLE actp_workflow_steps (id UUID PRIMARY KEY); \
     CREATE TABLE actp_workflow_tasks (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), \
     execution_id UUID REFERENCES actp_workflow_executions (id), step_id UUID REFERENCES actp_workflow_steps (id), task_type TEXT NOT NULL, \
     status TEXT DEFAULT 'pending', input_data JSONB NOT NULL, output_data JSONB, claimed_by TEXT, claimed_at TIMESTAMPTZ, \
     completed_at TIMESTAMPTZ, timeout_minutes INT DEFAULT 30, error TEXT, created_at TIMESTAMPTZ DEFAULT now(), theirs TEXT)";

async fn prepare(url: &str, statements: &'static str) {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    for statement in statements.split(';') {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the other program's statement");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_workflow_engine_is_completed_and_used() {
    let bench = Bench::postgres().await;
    prepare(&bench.url, THEIRS).await;
    let pair = Pair::on(bench).await;
    let queued = pair.cloud.route(search("rust")).await;
    assert_eq!(queued.outcome, Outcome::Queued, "{queued:?}");
    assert_eq!(pair.mac.puller().expect("a puller").run_once(9).await.expect("a round").succeeded, 1);
    assert_eq!(pair.tasks("status = 'succeeded' AND execution_id IS NULL AND theirs IS NULL").await, 1);
    pair.end().await;
}

#[tokio::test]
async fn a_table_without_a_needed_column_is_named_at_the_start() {
    let bench = Bench::postgres().await;
    prepare(&bench.url, "CREATE TABLE actp_workflow_tasks (id UUID PRIMARY KEY, task_type TEXT, status TEXT)").await;
    let error = Store::open(&StoreConfig::new(&*bench.url)).await.expect_err("a column is missing");
    let text = error.to_string();
    assert!(text.contains("actp_workflow_tasks") && text.contains("input_data"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_wants_an_execution_for_each_row_is_named() {
    let pair = Pair::on(Bench::postgres().await).await;
    execute(pair.cloud.store(), "ALTER TABLE actp_workflow_tasks ALTER COLUMN execution_id SET NOT NULL").await;
    let envelope = pair.cloud.route(search("rust")).await;
    assert_eq!((envelope.error, envelope.outcome), (Some(ErrorKind::Store), Outcome::NotExecuted));
    assert!(envelope.detail.expect("a sentence").contains("execution_id"));
    pair.end().await;
}
