//! The ledger under many hands at once, on both databases.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::ledger::{AttemptEnd, Begin, Begun, CallState, Claim, IdempotencyKey, Ledger, Verdict, fingerprint};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use everreach_core::{ActionName, Envelope, ErrorKind, Id, Outcome};

use crate::support;

const LEASE: Duration = Duration::from_secs(60);

struct Bench {
    workers: Vec<Ledger>,
    clock: Arc<ManualClock>,
    log: EventLog,
}

impl Bench {
    fn new(store: &Store) -> Self {
        let log = EventLog::start(store.clone());
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let workers =
            (0..8).map(|number| Ledger::new(store.clone(), Arc::clone(&clock) as _, log.clone(), format!("worker-{number}")));
        Self { workers: workers.collect(), clock, log }
    }

    async fn start(&self, begin: &Begin) -> Claim {
        match self.workers[0].begin(begin.clone()).await.expect("it begins") {
            Begun::Started(claim) => claim,
            other => panic!("not started: {other:?}"),
        }
    }
}

fn begin() -> Begin {
    let action: ActionName = "dm.send".parse().expect("a name");
    let print = fingerprint(&action, &serde_json::Map::new());
    Begin::new(IdempotencyKey::fresh(), action, print, Id::new()).with_lease(LEASE)
}

fn answer(claim: &Claim, outcome: Outcome) -> Envelope {
    let mut envelope = Envelope::new(claim.action.clone(), claim.request_id);
    (envelope.ok, envelope.outcome) = (outcome == Outcome::Executed, outcome);
    envelope.result = Some(serde_json::json!({"nul": "\u{0}", "number": 1.0, "ümlaut": "ß"}));
    envelope
}

/// Every worker asks for the same keys at once; each key is started by one.
async fn one_starts(store: Store) {
    let bench = Bench::new(&store);
    for _ in 0..10 {
        let begin = begin();
        let asked = bench.workers.iter().map(|worker| worker.begin(begin.clone()));
        let answers = futures_util::future::join_all(asked).await;
        let started = answers.iter().filter(|answer| matches!(answer, Ok(Begun::Started(_)))).count();
        let refused =
            answers.iter().filter(|answer| answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::IdempotencyConflict));
        assert_eq!((started, refused.count()), (1, bench.workers.len() - 1));
    }
}

/// Every worker finds the claim of a dead one at once; one takes it over.
async fn one_takes_over(store: Store) {
    let bench = Bench::new(&store);
    let begin = begin();
    let stale = bench.start(&begin).await;
    bench.clock.advance(LEASE);
    let answers = futures_util::future::join_all(bench.workers.iter().map(|worker| worker.begin(begin.clone()))).await;
    let claims: Vec<_> = answers
        .into_iter()
        .filter_map(|answer| match answer {
            Ok(Begun::Started(claim)) => Some(claim),
            _ => None,
        })
        .collect();
    assert_eq!(claims.len(), 1);
    assert!(bench.workers[0].mark_dispatched(&stale, 1, "local").await.is_err());
}

/// A worker that tries to send twice at once sends once.
async fn one_dispatch(store: Store) {
    let bench = Bench::new(&store);
    let claim = bench.start(&begin()).await;
    let tries =
        futures_util::future::join_all((1..=8).map(|attempt| bench.workers[0].mark_dispatched(&claim, attempt, "local"))).await;
    assert_eq!(tries.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    let call = bench.workers[1].get(&claim.key).await.expect("a look").expect("a call");
    assert_eq!((call.attempts.len(), call.state), (1, CallState::Running));
}

/// The whole life of a call that is cut off: held, recovered once, settled, started again, answered, replayed.
async fn a_life(store: Store) {
    let bench = Bench::new(&store);
    let begin = begin();
    let claim = bench.start(&begin).await;
    bench.workers[0].mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    bench.clock.advance(LEASE);
    let recovered = futures_util::future::join_all(bench.workers.iter().map(Ledger::recover)).await;
    let unknown: u64 = recovered.into_iter().map(|recovered| recovered.expect("it recovers").unknown).sum();
    assert_eq!(unknown, 1, "one call is recovered once");
    assert!(matches!(bench.workers[1].begin(begin.clone()).await.expect("an answer"), Begun::Held(_)));
    let settled = bench.workers[2].resolve(&claim.key, Verdict::DidNotHappen).await.expect("it is settled");
    assert_eq!(settled.state, CallState::NotExecuted);

    let claim = bench.start(&begin).await;
    let id = bench.workers[0].mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    let envelope = answer(&claim, Outcome::Executed);
    bench.workers[0].finish(&claim, Some(AttemptEnd::new(id, Outcome::Executed)), &envelope).await.expect("it is recorded");
    let Begun::Replay(replayed) = bench.workers[3].begin(begin.clone()).await.expect("an answer") else { panic!("it ran") };
    assert_eq!((replayed.result, replayed.replayed), (envelope.result, true));
    let call = bench.workers[4].get(&claim.key).await.expect("a look").expect("a call");
    let outcomes: Vec<_> = call.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Unknown), Some(Outcome::Executed)]);

    bench.log.flush().await;
    let told: Vec<_> = bench.log.read_after(0, 100).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    for kind in ["call.outcome_unknown", "call.held", "call.resolved", "call.finished", "call.replayed"] {
        assert!(told.iter().any(|told| told == kind), "{kind} is missing in {told:?}");
    }

    bench.clock.advance(Duration::from_secs(91 * 24 * 3_600));
    let pruned = bench.workers[0].prune().await.expect("it prunes");
    assert_eq!((pruned.calls, pruned.attempts), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_ask_for_a_key_one_starts_on_sqlite() {
    one_starts(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_ask_for_a_key_one_starts_on_postgres() {
    one_starts(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_claim_is_taken_over_by_one_on_sqlite() {
    one_takes_over(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_claim_is_taken_over_by_one_on_postgres() {
    one_takes_over(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_claim_dispatches_once_on_sqlite() {
    one_dispatch(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_claim_dispatches_once_on_postgres() {
    one_dispatch(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_held_settled_and_answered_on_sqlite() {
    a_life(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_held_settled_and_answered_on_postgres() {
    a_life(support::store::postgres().await).await;
}
