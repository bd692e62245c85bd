//! The ledger on SQLite, step by step; `never_twice` does the same at random.

mod never_twice;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{AttemptEnd, Begin, Begun, CallState, Claim, Fingerprint, IdempotencyKey, Ledger, Recovered, Verdict, fingerprint};
use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::store::{Store, StoreConfig};
use crate::{ActionName, Effect, Envelope, Error, ErrorKind, Id, Outcome, Result};

const LEASE: Duration = Duration::from_secs(60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

struct Bench {
    ledger: Ledger,
    other: Ledger,
    clock: Arc<ManualClock>,
    log: EventLog,
}

impl Bench {
    async fn new() -> Self {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let log = EventLog::start(store.clone());
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let ledger = |owner: &str| Ledger::new(store.clone(), Arc::clone(&clock) as _, log.clone(), owner.to_owned());
        Self { ledger: ledger("one"), other: ledger("other"), clock, log }
    }

    async fn start(&self) -> Claim {
        let begun = self.ledger.begin(begin()).await.expect("it begins");
        let Begun::Started(claim) = begun else { panic!("not started: {begun:?}") };
        claim
    }

    /// A call that was sent by an owner who then vanished.
    async fn vanish_after_dispatch(&self) -> (Claim, AttemptEnd) {
        let claim = self.start().await;
        let id = self.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
        self.clock.advance(LEASE);
        (claim, AttemptEnd::new(id, Outcome::Executed))
    }

    async fn state(&self) -> CallState {
        self.ledger.get(&key()).await.expect("a look").expect("a call").state
    }

    async fn told(&self) -> Vec<String> {
        self.log.read_after(0, 100).await.expect("events").into_iter().map(|event| event.event.kind.into_owned()).collect()
    }
}

fn key() -> IdempotencyKey {
    "order-1".parse().expect("a key")
}

fn action() -> ActionName {
    "dm.send".parse().expect("a name")
}

fn print(params: Value) -> Fingerprint {
    let Value::Object(params) = params else { panic!("parameters are an object") };
    fingerprint(&action(), &params)
}

fn begin() -> Begin {
    Begin::new(key(), action(), print(json!({"text": "hi"})), Id::new()).with_lease(LEASE)
}

fn answer(claim: &Claim, outcome: Outcome) -> Envelope {
    let mut envelope = Envelope::new(claim.action.clone(), claim.request_id);
    envelope.outcome = outcome;
    envelope.idempotency_key = Some(claim.key.to_string());
    match outcome {
        Outcome::Executed => (envelope.ok, envelope.result) = (true, Some(json!({"id": 7, "nul": "\u{0}"}))),
        Outcome::Unknown => envelope.fail(&Error::new(ErrorKind::OutcomeUnknown, "no answer in time")),
        _ => envelope.fail(&Error::new(ErrorKind::Offline, "the cloud is unreachable")),
    }
    envelope
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("it is refused").kind()
}

#[tokio::test]
async fn a_finished_call_answers_every_repeat_from_the_journal() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    let id = bench.ledger.mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    let envelope = answer(&claim, Outcome::Executed);
    bench.ledger.finish(&claim, Some(AttemptEnd::new(id, Outcome::Executed)), &envelope).await.expect("it is recorded");
    bench.ledger.finish(&claim, None, &envelope).await.expect("recording it again changes nothing");

    let repeat = begin();
    let Begun::Replay(replayed) = bench.other.begin(repeat.clone()).await.expect("an answer") else { panic!("it ran") };
    assert!(replayed.replayed);
    assert_eq!((replayed.request_id, &replayed.result), (repeat.request_id, &envelope.result));
    let record = bench.ledger.get(&key()).await.expect("a look").expect("a call");
    assert_eq!((record.state, record.envelope.as_ref()), (CallState::Executed, Some(&envelope)));
    assert_eq!(record.attempts.len(), 1);
    assert_eq!((record.attempts[0].executor.as_str(), record.attempts[0].outcome), ("cloud", Some(Outcome::Executed)));
    // That it was replayed is told too, within a second.
    assert_eq!(bench.told().await.iter().filter(|kind| *kind == "call.finished").count(), 1);
}

#[tokio::test]
async fn the_json_of_a_running_call_has_the_published_fields_and_no_envelope() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    bench.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
    let json = serde_json::to_value(bench.ledger.get(&key()).await.expect("a look")).expect("json");
    for field in ["idempotency_key", "action", "state", "envelope", "attempts", "created_at", "updated_at"] {
        assert!(json.get(field).is_some(), "{field}: {json}");
    }
    assert_eq!((&json["state"], &json["envelope"]), (&json!("running"), &Value::Null));
    assert_eq!(json["attempts"][0]["outcome"], Value::Null);
}

#[tokio::test]
async fn a_repeat_waits_while_the_first_runs_and_is_refused_with_another_body_or_action() {
    let bench = Bench::new().await;
    let _claim = bench.start().await;
    let error = bench.other.begin(begin()).await.expect_err("it runs");
    assert_eq!(error.kind(), ErrorKind::IdempotencyConflict);
    assert_eq!(error.retry(), crate::Retry::Later(LEASE));
    let mut other_body = begin();
    other_body.fingerprint = print(json!({"text": "ho"}));
    assert_eq!(kind(bench.other.begin(other_body).await), ErrorKind::IdempotencyMismatch);
    let mut other_action = begin();
    other_action.action = "dm.queue".parse().expect("a name");
    assert_eq!(kind(bench.other.begin(other_action).await), ErrorKind::IdempotencyMismatch);
}

#[tokio::test]
async fn a_call_that_provably_did_not_run_starts_again_under_its_key() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    bench.ledger.finish(&claim, None, &answer(&claim, Outcome::NotExecuted)).await.expect("it is recorded");
    let again = bench.start().await;
    assert_ne!(again, claim, "it has a fencing number of its own");
    assert_eq!(kind(bench.ledger.mark_dispatched(&claim, 1, "local").await), ErrorKind::Conflict);
    bench.ledger.mark_dispatched(&again, 1, "local").await.expect("it may go");
}

#[tokio::test]
async fn a_second_try_needs_proof_that_the_first_did_not_run() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    let first = bench.ledger.mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    assert_eq!(kind(bench.ledger.mark_dispatched(&claim, 2, "local").await), ErrorKind::Conflict);
    let error = Error::new(ErrorKind::Unreachable, "connection refused");
    let end = AttemptEnd::new(first, Outcome::NotExecuted).with_error(&error);
    bench.ledger.finish_attempt(&claim, end.clone()).await.expect("it is recorded");
    assert_eq!(kind(bench.ledger.finish_attempt(&claim, end).await), ErrorKind::Conflict);
    bench.ledger.mark_dispatched(&claim, 2, "local").await.expect("the first is proven un-run");
    let record = bench.ledger.get(&key()).await.expect("a look").expect("a call");
    let outcomes: Vec<_> =
        record.attempts.iter().map(|attempt| (attempt.attempt, attempt.outcome, attempt.error.as_deref())).collect();
    assert_eq!(outcomes, [(1, Some(Outcome::NotExecuted), Some("unreachable")), (2, None, None)]);
}

#[tokio::test]
async fn an_envelope_cannot_call_un_run_what_may_have_run() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    let id = bench.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
    let envelope = answer(&claim, Outcome::NotExecuted);
    assert_eq!(kind(bench.ledger.finish(&claim, None, &envelope).await), ErrorKind::Conflict);
    let unknown = AttemptEnd::new(id, Outcome::Unknown);
    assert_eq!(kind(bench.ledger.finish(&claim, Some(unknown), &envelope).await), ErrorKind::Conflict);
    bench.ledger.finish(&claim, Some(AttemptEnd::new(id, Outcome::NotExecuted)), &envelope).await.expect("now it is proven");
}

#[tokio::test]
async fn a_lapsed_claim_is_taken_over_when_nothing_left_and_its_owner_cannot_send() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    bench.clock.advance(LEASE);
    assert_eq!(kind(bench.ledger.mark_dispatched(&claim, 1, "local").await), ErrorKind::Conflict);
    assert!(matches!(bench.other.begin(begin()).await.expect("it begins"), Begun::Started(_)));
    assert_eq!(kind(bench.ledger.renew(&claim, LEASE).await), ErrorKind::Conflict);
    assert_eq!(kind(bench.ledger.finish(&claim, None, &answer(&claim, Outcome::Executed)).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn the_same_owner_cannot_use_a_claim_that_it_took_over_from_itself() {
    let bench = Bench::new().await;
    let stale = bench.start().await;
    bench.clock.advance(LEASE);
    let fresh = bench.start().await;
    assert_eq!(kind(bench.ledger.mark_dispatched(&stale, 1, "local").await), ErrorKind::Conflict);
    bench.ledger.mark_dispatched(&fresh, 1, "local").await.expect("it may go");
}

#[tokio::test]
async fn a_renewed_claim_lasts() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    bench.clock.advance(LEASE - Duration::from_secs(1));
    bench.ledger.renew(&claim, LEASE).await.expect("it is held");
    bench.clock.advance(LEASE - Duration::from_secs(1));
    assert_eq!(kind(bench.other.begin(begin()).await), ErrorKind::IdempotencyConflict);
    bench.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
    assert_eq!(kind(bench.ledger.renew(&claim, Duration::MAX).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_call_whose_owner_vanished_after_dispatch_is_held_for_ever() {
    let bench = Bench::new().await;
    let _vanished = bench.vanish_after_dispatch().await;
    let Begun::Held(envelope) = bench.other.begin(begin()).await.expect("an answer") else { panic!("it may have run") };
    assert_eq!((envelope.outcome, envelope.error), (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown)));
    assert_eq!((envelope.ok, envelope.attempts, envelope.idempotency_key.as_deref()), (false, 1, Some("order-1")));
    assert_eq!(
        envelope.suggestions,
        ["everreach calls resolve order-1 --happened", "everreach calls resolve order-1 --did-not-happen"]
    );
    assert!(bench.told().await.contains(&"call.outcome_unknown".to_owned()));
    bench.clock.advance(WEEK * 100);
    bench.ledger.prune().await.expect("it prunes");
    assert!(matches!(bench.other.begin(begin()).await.expect("an answer"), Begun::Held(_)));
    assert_eq!(bench.ledger.get(&key()).await.expect("a look").expect("a call").attempts[0].outcome, Some(Outcome::Unknown));
    assert_eq!(bench.ledger.list(CallState::Unknown, 10).await.expect("a list").len(), 1);
}

#[tokio::test]
async fn the_late_answer_of_a_held_call_is_the_proof_it_waits_for() {
    for outcome in [Outcome::Executed, Outcome::NotExecuted] {
        let bench = Bench::new().await;
        let (claim, mut end) = bench.vanish_after_dispatch().await;
        bench.other.recover().await.expect("it recovers");
        assert_eq!(bench.state().await, CallState::Unknown);
        end.outcome = outcome;
        bench.ledger.finish(&claim, Some(end), &answer(&claim, outcome)).await.expect("it is accepted");
        let expected = if outcome == Outcome::Executed { CallState::Executed } else { CallState::NotExecuted };
        assert_eq!(bench.state().await, expected);
    }
}

#[tokio::test]
async fn a_person_settles_a_held_call_and_only_a_held_one() {
    for (verdict, state) in [(Verdict::Happened, CallState::Executed), (Verdict::DidNotHappen, CallState::NotExecuted)] {
        let bench = Bench::new().await;
        assert_eq!(kind(bench.ledger.resolve(&key(), verdict).await), ErrorKind::NotFound);
        let (claim, end) = bench.vanish_after_dispatch().await;
        assert_eq!(kind(bench.ledger.resolve(&key(), verdict).await), ErrorKind::Conflict);
        bench.ledger.recover().await.expect("it recovers");
        let record = bench.ledger.resolve(&key(), verdict).await.expect("it is settled");
        assert_eq!((record.state, record.envelope.map(|envelope| envelope.ok)), (state, Some(verdict == Verdict::Happened)));
        assert_eq!(kind(bench.ledger.resolve(&key(), verdict).await), ErrorKind::Conflict);
        let begun = bench.ledger.begin(begin()).await.expect("an answer");
        assert_eq!(matches!(begun, Begun::Started(_)), verdict == Verdict::DidNotHappen, "{begun:?}");
        if verdict == Verdict::DidNotHappen {
            assert_eq!(
                kind(bench.ledger.finish(&claim, Some(end), &answer(&claim, Outcome::Executed)).await),
                ErrorKind::Conflict
            );
        }
    }
}

#[tokio::test]
async fn recovery_tells_what_may_have_run_from_what_did_not_and_leaves_live_claims_alone() {
    let bench = Bench::new().await;
    let _vanished = bench.vanish_after_dispatch().await;
    let mut second = begin();
    second.key = "order-2".parse().expect("a key");
    let _unsent = bench.ledger.begin(second.clone()).await.expect("it begins");
    bench.clock.advance(LEASE);
    let mut live = begin();
    live.key = "order-3".parse().expect("a key");
    let _live = bench.ledger.begin(live.clone()).await.expect("it begins");
    assert_eq!(bench.other.recover().await.expect("it recovers"), Recovered { unknown: 1, not_executed: 1 });
    assert_eq!(bench.other.recover().await.expect("it recovers"), Recovered::default());
    assert!(matches!(bench.other.begin(second).await.expect("an answer"), Begun::Started(_)));
    assert_eq!(kind(bench.other.begin(live).await), ErrorKind::IdempotencyConflict);
}

#[tokio::test]
async fn a_call_that_is_safe_to_repeat_is_never_held() {
    let bench = Bench::new().await;
    let read = || begin().with_effect(Effect::Read);
    let Begun::Started(claim) = bench.ledger.begin(read()).await.expect("it begins") else { panic!("the key is fresh") };
    let first = bench.ledger.mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    bench.ledger.finish_attempt(&claim, AttemptEnd::new(first, Outcome::Unknown)).await.expect("it is recorded");
    bench.ledger.mark_dispatched(&claim, 2, "cloud").await.expect("a repeat does no harm");
    bench.clock.advance(LEASE);
    let Begun::Started(claim) = bench.other.begin(read()).await.expect("it begins") else { panic!("it is taken over") };
    bench.other.finish(&claim, None, &answer(&claim, Outcome::Unknown)).await.expect("it is recorded");
    assert_eq!(bench.state().await, CallState::NotExecuted);
}

#[tokio::test]
async fn a_call_waits_for_a_person_and_is_resumed_once() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    assert_eq!(kind(bench.ledger.resume(begin()).await), ErrorKind::Conflict);
    let mut waiting = answer(&claim, Outcome::NotExecuted);
    waiting.fail(&Error::new(ErrorKind::ApprovalRequired, "a person has to agree first"));
    bench.ledger.wait_for_approval(&claim, &waiting).await.expect("it waits");
    bench.clock.advance(LEASE * 10);
    assert_eq!(bench.ledger.recover().await.expect("it recovers"), Recovered::default());
    let Begun::Waiting(envelope) = bench.other.begin(begin()).await.expect("an answer") else { panic!("it waits") };
    assert_eq!(envelope.error, Some(ErrorKind::ApprovalRequired));
    let mut other_body = begin();
    other_body.fingerprint = print(json!({"text": "ho"}));
    assert_eq!(kind(bench.other.resume(other_body).await), ErrorKind::IdempotencyMismatch);
    let resumed = bench.other.resume(begin()).await.expect("it is claimed");
    assert_eq!(kind(bench.ledger.resume(begin()).await), ErrorKind::Conflict);
    assert_eq!(kind(bench.ledger.mark_dispatched(&claim, 1, "local").await), ErrorKind::Conflict);
    bench.other.mark_dispatched(&resumed, 1, "local").await.expect("it may go");
    assert_eq!(kind(bench.other.wait_for_approval(&resumed, &waiting).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn after_a_week_a_finished_key_counts_as_never_used() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    let id = bench.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
    let end = AttemptEnd::new(id, Outcome::Executed);
    bench.ledger.finish(&claim, Some(end), &answer(&claim, Outcome::Executed)).await.expect("it is recorded");
    bench.clock.advance(WEEK - Duration::from_micros(1));
    assert!(matches!(bench.ledger.begin(begin()).await.expect("an answer"), Begun::Replay(_)));
    bench.clock.advance(Duration::from_micros(1));
    let mut other_body = begin();
    other_body.fingerprint = print(json!({"text": "ho"}));
    assert!(matches!(bench.ledger.begin(other_body).await.expect("an answer"), Begun::Started(_)));
    assert!(
        bench.ledger.get(&key()).await.expect("a look").expect("a call").attempts.is_empty(),
        "the old tries are another call's"
    );
}

#[tokio::test]
async fn pruning_removes_finished_keys_after_a_week_and_tries_after_ninety_days() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    let id = bench.ledger.mark_dispatched(&claim, 1, "local").await.expect("it may go");
    let end = AttemptEnd::new(id, Outcome::Executed);
    bench.ledger.finish(&claim, Some(end), &answer(&claim, Outcome::Executed)).await.expect("it is recorded");
    let pruned = bench.ledger.prune().await.expect("it prunes");
    assert_eq!((pruned.calls, pruned.attempts), (0, 0));
    bench.clock.advance(WEEK);
    let pruned = bench.ledger.prune().await.expect("it prunes");
    assert_eq!((pruned.calls, pruned.attempts), (1, 0));
    assert_eq!(bench.ledger.get(&key()).await.expect("a look"), None);
    bench.clock.advance(WEEK * 12);
    let pruned = bench.ledger.prune().await.expect("it prunes");
    assert_eq!((pruned.calls, pruned.attempts), (0, 1));
}

#[tokio::test]
async fn a_queued_call_answers_repeats_like_one_that_ran() {
    let bench = Bench::new().await;
    let claim = bench.start().await;
    bench.ledger.finish(&claim, None, &answer(&claim, Outcome::Queued)).await.expect("it is recorded");
    assert_eq!(bench.state().await, CallState::Queued);
    assert!(matches!(bench.ledger.begin(begin()).await.expect("an answer"), Begun::Replay(_)));
}

#[tokio::test]
async fn a_derived_fingerprint_lets_a_repeat_differ_in_what_does_not_count() {
    let bench = Bench::new().await;
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).expect("a day");
    let derived = |params: Value| {
        let params: Map<String, Value> = params.as_object().expect("an object").clone();
        let key = super::content_day_key(&action(), &params, day);
        Begin::new(key.clone(), action(), Fingerprint::of_key(&key), Id::new())
    };
    let Begun::Started(claim) = bench.ledger.begin(derived(json!({"username": "bob", "text": "hi"}))).await.expect("it begins")
    else {
        panic!("the key is fresh")
    };
    bench.ledger.finish(&claim, None, &answer(&claim, Outcome::Executed)).await.expect("it is recorded");
    let repeat = derived(json!({"username": "@Bob", "text": "hi", "session": 2}));
    assert!(matches!(bench.ledger.begin(repeat).await.expect("an answer"), Begun::Replay(_)));
}
