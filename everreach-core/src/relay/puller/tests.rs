//! What the puller takes up, and what it leaves.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::Executor as _;
use tempfile::TempDir;

use super::Puller;
use crate::failover::TwoNodeMode;
use crate::relay::store::{self, NewTask};
use crate::routing::{Call, Execution, Executor};
use crate::runtime::{Runtime, RuntimeConfig};
use crate::store::{Db, on_db};
use crate::{Id, Mode, Result, Timestamp};

/// Does what it is asked, and stops the process first if it is told to.
#[derive(Debug, Default)]
struct Hand {
    calls: Mutex<Vec<Value>>,
    stops: OnceLock<Puller>,
}

#[async_trait]
impl Executor for Hand {
    async fn execute(&self, call: &Call) -> Execution {
        self.calls.lock().expect("nobody panicked").push(call.params["n"].clone());
        if let Some(puller) = self.stops.get() {
            puller.parts.stopping.cancel();
        }
        Execution::done(json!({"success": true}))
    }
}

struct Bench {
    runtime: Runtime,
    hand: Arc<Hand>,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig { data_dir: folder.path().to_path_buf(), ..RuntimeConfig::default() };
        config.store.url = format!("sqlite://{}", folder.path().join("everreach.db").display());
        config.routing.mode = Mode::Local;
        config.failover.mode = Some(TwoNodeMode::Shared);
        let hand = Arc::new(Hand::default());
        let builder = Runtime::builder(config).with_executor(Arc::clone(&hand) as _);
        Self { runtime: builder.build().await.expect("a local machine"), hand, _folder: folder }
    }

    fn puller(&self) -> &Puller {
        self.runtime.puller().expect("a local machine pulls")
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Db<'_>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    ) -> T {
        self.runtime.store().write(move |mut db| Box::pin(async move { work(&mut db).await })).await.expect("written")
    }

    /// Rows that wait, numbered from 0.
    async fn fill(&self, rows: usize) {
        for n in 0..rows {
            let task = NewTask {
                id: Id::new(),
                task_type: "everreach_call".to_owned(),
                input: json!({"action": "linkedin.search", "params": {"n": n}}),
                timeout_minutes: 5,
            };
            let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
            self.write(move |db| Box::pin(async move { store::insert(db, &task, &format!("row-{n}"), now).await })).await;
        }
    }

    async fn execute(&self, statement: &'static str) {
        self.write(move |db| Box::pin(async move { Ok(on_db!(db, conn => conn.execute(statement).await.map(drop))?) })).await;
    }

    async fn count(&self, statement: &'static str) -> i64 {
        self.write(move |db| {
            Box::pin(async move { Ok(on_db!(db, conn => sqlx::query_scalar(statement).fetch_one(conn).await)?) })
        })
        .await
    }

    fn calls(&self) -> Vec<Value> {
        self.hand.calls.lock().expect("nobody panicked").clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_begins_nothing_more() {
    let bench = Bench::new().await;
    bench.fill(3).await;
    bench.hand.stops.set(bench.puller().clone()).expect("told once");
    let summary = bench.puller().run_once(10).await.expect("a round");
    assert_eq!((summary.pulled, summary.succeeded, bench.calls()), (1, 1, vec![json!(0)]), "what runs goes on to its end");
    assert_eq!(bench.puller().run_once(10).await.expect("a round").pulled, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_does_not_hold_up_the_others() {
    let bench = Bench::new().await;
    bench.fill(3).await;
    // As another program may number them.
    for statement in [
        "UPDATE actp_workflow_tasks SET id = '7' WHERE everreach_key = 'row-0'",
        "UPDATE actp_workflow_tasks SET id = upper(id) WHERE everreach_key = 'row-1'",
    ] {
        bench.execute(statement).await;
    }
    let summary = bench.puller().run_once(10).await.expect("a round");
    assert_eq!((summary.pulled, summary.succeeded, bench.calls()), (1, 1, vec![json!(2)]));
    let left = "SELECT COUNT(*) FROM actp_workflow_tasks WHERE status = 'pending' AND claimed_by IS NULL";
    assert_eq!(bench.count(left).await, 2, "they are left to whoever can read them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_time_is_over_is_not_begun_and_one_that_was_begun_ends_as_the_journal_says() {
    const LATE: &str = "UPDATE actp_workflow_tasks SET status = 'pending', claimed_by = NULL, output_data = NULL, \
         input_data = json_set(input_data, '$.not_after', '2020-01-01T00:00:00Z')";
    let bench = Bench::new().await;
    bench.fill(1).await;
    assert_eq!(bench.puller().run_once(1).await.expect("a round").succeeded, 1);
    bench.fill(2).await;
    bench.execute(LATE).await;
    let summary = bench.puller().run_once(10).await.expect("a round");
    assert_eq!((summary.pulled, summary.succeeded, summary.failed), (2, 1, 1));
    assert_eq!(bench.calls(), [json!(0)], "the first was not run again, and the second not at all");
    let refused = "SELECT COUNT(*) FROM actp_workflow_tasks WHERE everreach_key = 'row-1' AND status = 'failed' \
         AND output_data ->> 'outcome' = 'not_executed'";
    assert_eq!(bench.count(refused).await, 1);
}
