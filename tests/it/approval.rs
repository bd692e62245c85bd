//! Approvals under many hands at once, on both databases.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::ErrorKind;
use everreach_core::approval::{ApprovalRequest, ApprovalState, Approvals, Consumption};
use everreach_core::events::EventLog;
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;

use crate::support;

fn request(key: &str) -> ApprovalRequest {
    let params = serde_json::json!({"text": "nul \u{0}", "number": 1.0});
    let params = params.as_object().expect("an object").clone();
    ApprovalRequest::call("dm.bulk_send".parse().expect("a name"), params, key, "0f0f")
}

/// Many ask at once: one question. A yes and a no at once: one decision. Many use it at once: one gets it.
async fn one_of_many(store: Store) {
    let log = EventLog::start(store.clone());
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let approvals = Approvals::new(store, Arc::clone(&clock) as _, log.clone());
    let asked = futures_util::future::join_all((0..8).map(|_| approvals.request(request("k")))).await;
    let ids: std::collections::HashSet<_> = asked.into_iter().map(|asked| asked.expect("it is asked").id).collect();
    assert_eq!(ids.len(), 1);
    let id = ids.into_iter().next().expect("one");

    let decided = futures_util::future::join_all((0..8).map(|_| approvals.approve(id))).await;
    assert_eq!(decided.iter().filter(|decided| decided.is_ok()).count(), 1);
    assert_eq!(approvals.deny(id).await.expect_err("decided").kind(), ErrorKind::Conflict);

    let used = futures_util::future::join_all((0..8).map(|_| approvals.consume("k", "0f0f"))).await;
    let used: Vec<_> = used.into_iter().map(|used| used.expect("an answer")).collect();
    assert_eq!(used.iter().filter(|used| matches!(used, Consumption::Approved(_))).count(), 1, "{used:?}");

    let late = approvals.request(request("late")).await.expect("it is asked");
    assert_eq!(approvals.get(late.id).await.expect("a look").as_ref(), Some(&late));
    clock.advance(Duration::from_secs(4 * 3_600));
    let lapsed = futures_util::future::join_all((0..4).map(|_| approvals.expire_due())).await;
    assert_eq!(lapsed.into_iter().map(|lapsed| lapsed.expect("a count")).sum::<u64>(), 1);
    assert_eq!(approvals.get(late.id).await.expect("a look").map(|late| late.state), Some(ApprovalState::Expired));
    let told: Vec<_> = log.read_after(0, 100).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    assert_eq!(told, ["approval.requested", "approval.approved", "approval.consumed", "approval.requested", "approval.expired"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_asked_decided_used_and_lapses_once_on_sqlite() {
    one_of_many(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_asked_decided_used_and_lapses_once_on_postgres() {
    one_of_many(support::store::postgres().await).await;
}
