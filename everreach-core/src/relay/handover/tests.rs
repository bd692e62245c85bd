//! A person's word on a queued call, against what its row says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Executor as _;
use tempfile::TempDir;

use crate::clock::ManualClock;
use crate::failover::TwoNodeMode;
use crate::ledger::{CallState, IdempotencyKey, Verdict};
use crate::routing::RouteRequest;
use crate::runtime::{Runtime, RuntimeConfig};
use crate::store::on_db;
use crate::{Envelope, ErrorKind, Mode, Outcome};

/// A message, whose row is a command, and whatever makes that command unknown; then the same for a task.
const WAYS: [(&str, &str); 2] = [
    ("dm.send", "UPDATE safari_command_queue SET status = 'failed', everreach_outcome = 'unknown', error = 'late'"),
    ("linkedin.connect", "UPDATE actp_workflow_tasks SET status = 'failed', claimed_by = 'mac', error = 'late'"),
];

struct Cloud {
    runtime: Runtime,
    clock: Arc<ManualClock>,
    action: &'static str,
    key: IdempotencyKey,
    _folder: TempDir,
}

impl Cloud {
    /// A cloud terminal with one call that is held.
    async fn holding((action, makes_unknown): (&'static str, &'static str)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig { data_dir: folder.path().to_path_buf(), ..RuntimeConfig::default() };
        config.store.url = format!("sqlite://{}", folder.path().join("everreach.db").display());
        (config.routing.mode, config.routing.is_cloud_terminal) = (Mode::Cloud, true);
        config.failover.mode = Some(TwoNodeMode::Shared);
        config.relay.max_waiting = 2;
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let builder = Runtime::builder(config).with_clock(Arc::clone(&clock) as _);
        let runtime = builder.build().await.expect("a terminal");
        let cloud = Self { runtime, clock, action, key: "order-1".parse().expect("a key"), _folder: folder };
        assert_eq!(cloud.send().await, Outcome::Queued, "{action}");
        cloud.execute(makes_unknown).await;
        assert_eq!(cloud.state().await, CallState::Unknown, "{action}");
        cloud
    }

    async fn send(&self) -> Outcome {
        self.send_as(&self.key).await.outcome
    }

    async fn send_as(&self, key: &IdempotencyKey) -> Envelope {
        let params = json!({
            "platform": "instagram", "username": "ada", "text": "hi", "profileUrl": "https://www.linkedin.com/in/ada/"
        });
        let mut params = params.as_object().cloned().expect("an object");
        params.retain(|name, _| (name == "profileUrl") == (self.action == "linkedin.connect"));
        let request = RouteRequest::new(self.action.parse().expect("a name"), params).with_idempotency_key(key.as_str());
        self.runtime.route(request).await
    }

    async fn execute(&self, statement: &'static str) {
        let work = self
            .runtime
            .store()
            .write(move |mut db| Box::pin(async move { Ok(on_db!(&mut db, conn => conn.execute(statement).await.map(drop))?) }));
        work.await.expect("executed");
    }

    async fn state(&self) -> CallState {
        self.runtime.call(&self.key).await.expect("it is read").expect("it is there").state
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_did_not_happen_stays_so_until_it_is_sent_again() {
    for way in WAYS {
        let cloud = Cloud::holding(way).await;
        let record = cloud.runtime.resolve(&cloud.key, Verdict::DidNotHappen).await.expect("it is held");
        assert_eq!((record.state, cloud.state().await), (CallState::NotExecuted, CallState::NotExecuted), "{}", cloud.action);
        assert_eq!(cloud.send().await, Outcome::Queued, "{}: the same row goes again", cloud.action);
        assert_eq!(cloud.state().await, CallState::Queued, "{}", cloud.action);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_happened_is_never_sent_again_even_when_the_journal_has_forgotten_it() {
    for way in WAYS {
        let cloud = Cloud::holding(way).await;
        cloud.runtime.resolve(&cloud.key, Verdict::Happened).await.expect("it is held");
        assert_eq!(cloud.state().await, CallState::Executed, "{}", cloud.action);
        cloud.execute("DELETE FROM everreach_calls").await;
        assert_eq!(cloud.send().await, Outcome::Executed, "{}", cloud.action);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_row_waits_to_go_again_is_not_held() {
    const AGAIN: [&str; 2] = [
        "UPDATE safari_command_queue SET status = 'pending', everreach_outcome = NULL",
        "UPDATE actp_workflow_tasks SET status = 'succeeded', output_data = '{}'",
    ];
    let cloud = Cloud::holding(WAYS[0]).await;
    cloud.execute(AGAIN[0]).await;
    let refused = cloud.runtime.resolve(&cloud.key, Verdict::Happened).await.expect_err("it would be sent again");
    assert_eq!((refused.kind(), cloud.state().await), (ErrorKind::Conflict, CallState::Queued));
    let done = Cloud::holding(WAYS[1]).await;
    done.execute(AGAIN[1]).await;
    done.runtime.resolve(&done.key, Verdict::DidNotHappen).await.expect("it is held");
    assert_eq!(done.state().await, CallState::Executed, "what its worker did stays done");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_never_works_through_safaris_queue() {
    let cloud = Cloud::holding(WAYS[0]).await;
    cloud.execute("UPDATE safari_command_queue SET status = 'pending', everreach_outcome = NULL").await;
    let refused = cloud.runtime.safari().run_once(1).await.expect_err("it has no browser");
    assert_eq!(refused.kind(), ErrorKind::RequiresLocal);
    assert_eq!(cloud.runtime.safari().run(Duration::from_secs(1), None).await.executed, 0, "it ends at once");
    assert_eq!(cloud.state().await, CallState::Queued, "the row waits for the Mac");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_takes_for_days_is_not_run_any_more_until_it_is_sent_again() {
    const DAY: Duration = Duration::from_secs(86_400);
    for way in WAYS {
        let cloud = Cloud::holding(way).await;
        cloud.runtime.resolve(&cloud.key, Verdict::DidNotHappen).await.expect("it is held");
        assert_eq!(cloud.send().await, Outcome::Queued);
        cloud.clock.advance(DAY * 2);
        assert_eq!(cloud.state().await, CallState::Queued, "{}: a weekend is not too long", cloud.action);
        cloud.clock.advance(DAY + DAY);
        assert_eq!(cloud.state().await, CallState::NotExecuted, "{}", cloud.action);
        assert_eq!(cloud.send().await, Outcome::Queued, "{}", cloud.action);
        assert_eq!(cloud.state().await, CallState::Queued, "{}: it waits anew", cloud.action);
        let begun = ["UPDATE safari_command_queue SET status = 'running'", "UPDATE actp_workflow_tasks SET status = 'running'"];
        for statement in begun {
            cloud.execute(statement).await;
        }
        cloud.clock.advance(DAY * 4);
        assert_eq!(cloud.state().await, CallState::Queued, "{}: somebody has begun with it", cloud.action);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_wait_than_the_limit_says() {
    let cloud = Cloud::holding(WAYS[1]).await;
    let key = |name: &str| -> IdempotencyKey { name.parse().expect("a key") };
    for name in ["order-2", "order-3"] {
        assert_eq!(cloud.send_as(&key(name)).await.outcome, Outcome::Queued, "{name}");
    }
    let refused = cloud.send_as(&key("order-4")).await;
    assert_eq!((refused.outcome, refused.error), (Outcome::NotExecuted, Some(ErrorKind::RequiresLocal)), "{refused:?}");
    assert_eq!(cloud.send_as(&key("order-3")).await.outcome, Outcome::Queued, "what waits is answered as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_ours_go_when_they_ended_long_ago() {
    let cloud = Cloud::holding(WAYS[1]).await;
    cloud.runtime.resolve(&cloud.key, Verdict::Happened).await.expect("it is held");
    let relay = cloud.runtime.relay().expect("it hands calls over");
    let ended = cloud.runtime.clock().now();
    for (oldest, left) in [(ended, 1), (ended + Duration::from_secs(1), 0)] {
        relay.prune(oldest).await.expect("a round");
        let count = "SELECT COUNT(*) FROM actp_workflow_tasks";
        let counted = cloud.runtime.store().write(move |mut db| {
            Box::pin(async move { Ok(on_db!(&mut db, conn => sqlx::query_scalar::<_, i64>(count).fetch_one(conn).await)?) })
        });
        assert_eq!(counted.await.expect("counted"), left);
    }
}
