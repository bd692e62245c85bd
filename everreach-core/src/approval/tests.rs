use std::sync::Arc;
use std::time::Duration;

use super::{Approval, ApprovalRequest, ApprovalState, Approvals, Consumption};
use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::store::{Store, StoreConfig};
use crate::{ErrorKind, Id};

const FOUR_HOURS: Duration = Duration::from_secs(4 * 3_600);

struct Bench {
    approvals: Approvals,
    clock: Arc<ManualClock>,
    log: EventLog,
}

impl Bench {
    async fn new() -> Self {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let log = EventLog::start(store.clone());
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        Self { approvals: Approvals::new(store, Arc::clone(&clock) as _, log.clone()), clock, log }
    }

    async fn ask(&self, key: &str, fingerprint: &str) -> crate::Result<Approval> {
        let params = serde_json::json!({"text": "nul \u{0} and 1.0", "n": 1.0});
        let params = params.as_object().expect("an object").clone();
        self.approvals.request(ApprovalRequest::call("dm.bulk_send".parse().expect("a name"), params, key, fingerprint)).await
    }

    async fn consume(&self, key: &str, fingerprint: &str) -> Consumption {
        self.approvals.consume(key, fingerprint).await.expect("an answer")
    }

    async fn told(&self) -> Vec<String> {
        self.log.read_after(0, 100).await.expect("events").into_iter().map(|event| event.event.kind.into_owned()).collect()
    }
}

#[tokio::test]
async fn an_approval_is_used_once() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    assert!(matches!(bench.consume("k", "f").await, Consumption::Pending(_)));
    let approved = bench.approvals.approve(asked.id).await.expect("it is approved");
    assert_eq!(approved.state, ApprovalState::Approved);
    assert_eq!(bench.approvals.approved_unconsumed().await.expect("a list"), [approved]);
    let Consumption::Approved(used) = bench.consume("k", "f").await else { panic!("it was approved") };
    assert_eq!((used.id, &used.params), (asked.id, &asked.params));
    assert_eq!(bench.consume("k", "f").await, Consumption::None);
    assert!(bench.approvals.approved_unconsumed().await.expect("a list").is_empty());
    assert_eq!(bench.told().await, ["approval.requested", "approval.approved", "approval.consumed"]);
}

#[tokio::test]
async fn asking_again_returns_what_is_open_and_another_request_is_refused() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    assert_eq!(bench.ask("k", "f").await.expect("the same"), asked);
    assert_eq!(bench.ask("k", "g").await.expect_err("another body").kind(), ErrorKind::IdempotencyMismatch);
    bench.approvals.approve(asked.id).await.expect("it is approved");
    assert_eq!(bench.ask("k", "f").await.expect("the same").id, asked.id);
    assert_eq!(bench.told().await, ["approval.requested", "approval.approved"]);
}

#[tokio::test]
async fn an_approval_is_good_for_no_other_request() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    bench.approvals.approve(asked.id).await.expect("it is approved");
    assert_eq!(bench.consume("k", "g").await, Consumption::None);
    assert_eq!(bench.consume("l", "f").await, Consumption::None);
    assert!(matches!(bench.consume("k", "f").await, Consumption::Approved(_)));
}

#[tokio::test]
async fn a_refusal_stays_until_it_is_asked_again() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    bench.approvals.deny(asked.id).await.expect("it is denied");
    assert!(matches!(bench.consume("k", "f").await, Consumption::Denied(_)));
    assert!(matches!(bench.consume("k", "f").await, Consumption::Denied(_)));
    assert_eq!(bench.approvals.approve(asked.id).await.expect_err("decided").kind(), ErrorKind::Conflict);
    let again = bench.ask("k", "f").await.expect("it is asked again");
    assert_ne!(again.id, asked.id);
    // The clock steps back: the open one still counts, not the one that looks newer.
    bench.clock.step_to("2026-11-20T11:00:00Z".parse().expect("a time"));
    bench.approvals.approve(again.id).await.expect("it is approved");
    assert!(matches!(bench.consume("k", "f").await, Consumption::Approved(used) if used.id == again.id));
}

#[tokio::test]
async fn silence_for_four_hours_is_a_refusal() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    bench.clock.advance(FOUR_HOURS - Duration::from_micros(1));
    assert_eq!(bench.approvals.list().await.expect("a list").len(), 1);
    bench.clock.advance(Duration::from_micros(1));
    let error = bench.approvals.approve(asked.id).await.expect_err("too late");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("expired"), "{error}");
    assert!(bench.approvals.list().await.expect("a list").is_empty());
    assert!(matches!(bench.consume("k", "f").await, Consumption::Expired(_)));
    assert_eq!(bench.told().await, ["approval.requested", "approval.expired"]);
}

#[tokio::test]
async fn a_yes_that_is_not_used_for_four_hours_lapses() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    bench.clock.advance(FOUR_HOURS - Duration::from_secs(1));
    bench.approvals.approve(asked.id).await.expect("it is approved");
    bench.clock.advance(FOUR_HOURS);
    assert!(matches!(bench.consume("k", "f").await, Consumption::Expired(_)));
    let again = bench.ask("k", "f").await.expect("it is asked again");
    assert_eq!(again.state, ApprovalState::Pending);
}

#[tokio::test]
async fn asking_when_the_old_question_has_lapsed_makes_a_new_one() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    bench.clock.advance(FOUR_HOURS);
    let again = bench.ask("k", "g").await.expect("it is asked");
    assert_ne!(again.id, asked.id);
    assert_eq!(bench.approvals.get(asked.id).await.expect("a look").map(|old| old.state), Some(ApprovalState::Expired));
    assert_eq!(bench.approvals.expire_due().await.expect("a count"), 0);
}

#[tokio::test]
async fn what_waits_is_listed_newest_last_and_unknown_ids_are_not_found() {
    let bench = Bench::new().await;
    for key in ["a", "b", "c"] {
        bench.ask(key, "f").await.expect("it is asked");
        bench.clock.advance(Duration::from_secs(1));
    }
    let keys: Vec<_> =
        bench.approvals.list().await.expect("a list").into_iter().map(|approval| approval.idempotency_key).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(bench.approvals.approve(Id::new()).await.expect_err("unknown").kind(), ErrorKind::NotFound);
    assert_eq!(bench.approvals.get(Id::new()).await.expect("a look"), None);
}

#[tokio::test]
async fn the_json_has_the_published_fields_and_events_hold_no_parameters() {
    let bench = Bench::new().await;
    let asked = bench.ask("k", "f").await.expect("it is asked");
    let json = serde_json::to_value(&asked).expect("json");
    let mut fields: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["action", "decided_at", "expires_at", "id", "idempotency_key", "kind", "params", "requested_at", "state"]
    );
    let event = bench.log.read_after(0, 1).await.expect("events").remove(0).event;
    assert_eq!(event.data.get("params"), None);
}
