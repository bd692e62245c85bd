//! That the cloud failed and that it is back, on the bus: each change once, also across restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use everreach_core::sync::bus::{Message, Subscription};

use super::watching::{Side, cloud};
use crate::support;

const FAILED: &str = "FAILOVER_TO_LOCAL";
const RESTORED: &str = "FAILOVER_RESTORED";
/// Longer than a change of the drill's profile takes to be told.
const QUIET: Duration = Duration::from_secs(2);

/// The next message of the topic that this test has not seen; `None` when none comes for a while.
async fn next(side: &Side, topic: &str, patience: Duration) -> Option<Message> {
    let bus = side.runtime.bus();
    let deliveries = bus.receive(&Subscription::new("test", topic), 1, patience).await.expect("an answer");
    let delivery = deliveries.into_iter().next()?;
    bus.ack(&delivery).await.expect("it is ours");
    Some(delivery.message)
}

async fn told(side: &Side, topic: &str) -> Message {
    next(side, topic, Duration::from_secs(30)).await.unwrap_or_else(|| panic!("nothing came in {topic}"))
}

async fn each_change_is_one_message(database: String) {
    let is_well = Arc::new(AtomicBool::new(true));
    let url = cloud(Arc::clone(&is_well)).await;
    let start = || Side::start_at(&database, Some(url.clone()), |_| {});
    let side = start().await;
    assert_eq!(next(&side, RESTORED, QUIET).await, None, "a cloud that works is no news");
    is_well.store(false, Ordering::Relaxed);
    let failed = told(&side, FAILED).await;
    assert_eq!(failed.payload["text"], "Cloud terminal DOWN — local failover active");
    assert_eq!(failed.payload["endpoint"], url.origin().ascii_serialization());
    side.runtime.shutdown(Duration::from_secs(5)).await;

    let side = start().await;
    side.until("it failed for this run too", |runtime| runtime.connectivity().cloud_failed).await;
    assert_eq!(next(&side, FAILED, QUIET).await, None, "that was told by the run before");
    is_well.store(true, Ordering::Relaxed);
    assert_eq!(told(&side, RESTORED).await.payload["text"], "Cloud terminal RESTORED");
    is_well.store(false, Ordering::Relaxed);
    assert_ne!(told(&side, FAILED).await.id, failed.id, "another outage is another message");
    side.runtime.shutdown(Duration::from_secs(5)).await;

    // It comes back while nobody looks.
    is_well.store(true, Ordering::Relaxed);
    let side = start().await;
    told(&side, RESTORED).await;
    assert_eq!((next(&side, RESTORED, QUIET).await, next(&side, FAILED, Duration::ZERO).await), (None, None));
    let count = support::store::number(side.runtime.store(), "SELECT COUNT(*) FROM hybrid_messages WHERE topic LIKE 'FAILOVER%'");
    assert_eq!(count.await, 4);
    side.runtime.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_the_clouds_standing_is_one_message_across_restarts_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    each_change_is_one_message(format!("sqlite://{}/everreach.db", folder.path().display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_the_clouds_standing_is_one_message_across_restarts_on_postgres() {
    each_change_is_one_message(support::store::postgres_url().await).await;
}
