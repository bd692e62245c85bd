//! How SQLite goes about the claims, whatever `ANALYZE` has found. PostgreSQL's work is counted by the tests of the whole.

use sqlx::AssertSqlSafe;

use super::claim::SQLITE_STATEMENTS;
use crate::Result;
use crate::store::{Db, ReadConnection, Store, StoreConfig};

const MANY: &str = "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 5000) \
     INSERT INTO safari_command_queue (action, status, everreach_lane) SELECT 'score', $1, $2 FROM numbers";

async fn fill(store: &Store, status: &'static str, lane: &'static str) -> Result<()> {
    let filling = store.write(move |db| {
        Box::pin(async move {
            if let Db::Sqlite(conn) = db {
                sqlx::query(MANY).bind(status).bind(lane).execute(&mut *conn).await?;
                sqlx::query("ANALYZE").execute(&mut *conn).await?;
            }
            Ok(())
        })
    });
    filling.await
}

/// Asks a connection that is new, so that it reads what `ANALYZE` has written.
async fn plan(url: &str, statement: &str) -> Result<Vec<String>> {
    let store = Store::open(&StoreConfig::new(url)).await?;
    let ReadConnection::Sqlite(mut connection) = store.read().await? else { return Ok(Vec::new()) };
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut *connection).await?;
    drop(connection);
    store.close().await;
    Ok(steps.into_iter().map(|step| step.3).collect())
}

#[tokio::test]
async fn no_statistics_make_a_claim_read_through_the_queue() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/queue.db", folder.path().display());
    // Most rows are over, then most are in one lane of either kind.
    for (status, lane) in [("completed", "free"), ("pending", "send_dm.twitter.twitter-dm"), ("pending", "free")] {
        let store = Store::open(&StoreConfig::new(&url)).await?;
        fill(&store, status, lane).await?;
        store.close().await;
        for statement in SQLITE_STATEMENTS.into_iter().flatten() {
            for step in plan(&url, statement).await? {
                let reads_all =
                    step.starts_with("SCAN safari_command_queue") && !step.contains("USING INDEX everreach_safari_queue_new");
                assert!(!reads_all && !step.contains("TEMP B-TREE"), "{status} {lane}: {step} in {statement}");
            }
        }
    }
    Ok(())
}
