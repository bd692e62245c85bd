//! The same key is the same call, across repeats, restarts and crashes, on both databases.

use everreach_core::ledger::CallState;

use super::*;

async fn repeats(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let first = runtime.route(dm("hi").with_idempotency_key("order-1")).await;
    let again = runtime.route(dm("hi").with_idempotency_key("order-1")).await;
    assert!(first.ok && !first.replayed && again.ok && again.replayed);
    assert_ne!(first.request_id, again.request_id);
    assert_eq!((&first.result, first.cost_usd, first.attempts), (&again.result, again.cost_usd, again.attempts));
    let other = runtime.route(dm("ho").with_idempotency_key("order-1")).await;
    assert_eq!(glance(&other), (None, Outcome::NotExecuted, Some(ErrorKind::IdempotencyMismatch), 0));
    let elsewhere = runtime.route(stats().with_idempotency_key("order-1")).await;
    assert_eq!(elsewhere.error, Some(ErrorKind::IdempotencyMismatch), "the key belongs to another action");
    let ill_formed = runtime.route(dm("hi").with_idempotency_key("two words")).await;
    assert_eq!(glance(&ill_formed), (None, Outcome::NotExecuted, Some(ErrorKind::InvalidParams), 0));
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(runtime).await;
}

#[tokio::test]
async fn a_repeat_is_answered_from_the_journal_and_another_request_is_refused_on_sqlite() {
    repeats(Bench::sqlite()).await;
}

#[tokio::test]
async fn a_repeat_is_answered_from_the_journal_and_another_request_is_refused_on_postgres() {
    repeats(Bench::postgres().await).await;
}

async fn derived(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let first = runtime.route(dm("hi")).await;
    let key = first.idempotency_key.clone().expect("a key");
    assert!(key.starts_with("content_day:2026-11-20:"), "{key}");
    stop(runtime).await;

    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let mut spelled = call("dm.send", json!({"platform": "Instagram", "handle": " @Ada", "message": "hi", "speed": 2}));
    assert!(runtime.route(spelled.clone()).await.replayed, "the same message in other words, after a restart");
    spelled.idempotency_key = Some(key.clone());
    assert!(runtime.route(spelled).await.replayed, "and with the key from the answer");
    let foreign = runtime.route(dm("something else").with_idempotency_key(key)).await;
    assert_eq!(foreign.error, Some(ErrorKind::IdempotencyMismatch), "a derived key does not cover another message");
    assert!(!runtime.route(dm("hi!")).await.replayed);
    bench.clock.advance(Duration::from_secs(12 * 3_600));
    assert!(!runtime.route(dm("hi")).await.replayed, "another day is another message");
    assert_eq!((local.count(), cloud.count()), (0, 3));
    stop(runtime).await;
}

#[tokio::test]
async fn the_same_message_on_one_day_is_sent_once_without_a_key_on_sqlite() {
    derived(Bench::sqlite()).await;
}

#[tokio::test]
async fn the_same_message_on_one_day_is_sent_once_without_a_key_on_postgres() {
    derived(Bench::postgres().await).await;
}

async fn in_flight(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let (one, other) = (bench.start(Mode::Hybrid, &local, &cloud).await, bench.start(Mode::Hybrid, &local, &cloud).await);
    cloud.close_gate();
    let (running, begun) = (one.clone(), dm("hi").with_idempotency_key("k"));
    let first = tokio::spawn(async move { running.route(begun).await });
    cloud.begun(1).await;
    for runtime in [&one, &other] {
        let meanwhile = runtime.route(dm("hi").with_idempotency_key("k")).await;
        assert_eq!(glance(&meanwhile), (None, Outcome::NotExecuted, Some(ErrorKind::IdempotencyConflict), 0));
    }
    cloud.open_gate();
    assert!(first.await.expect("an answer").ok);
    assert!(other.route(dm("hi").with_idempotency_key("k")).await.replayed);
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(other).await;
    stop(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_while_the_call_runs_is_a_conflict_in_every_process_on_sqlite() {
    in_flight(Bench::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_while_the_call_runs_is_a_conflict_in_every_process_on_postgres() {
    in_flight(Bench::postgres().await).await;
}

async fn many_at_once(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let runtimes = [bench.start(Mode::Hybrid, &local, &cloud).await, bench.start(Mode::Hybrid, &local, &cloud).await];
    for number in 0..10 {
        let key = format!("k{number}");
        let asked = (0..8).map(|asker: usize| runtimes[asker % 2].route(dm("hi").with_idempotency_key(key.as_str())));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().any(|answer| answer.ok));
    }
    assert_eq!((local.count(), cloud.count()), (0, 10));
    for runtime in runtimes {
        stop(runtime).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_send_at_once_one_sends_on_sqlite() {
    many_at_once(Bench::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_send_at_once_one_sends_on_postgres() {
    many_at_once(Bench::postgres().await).await;
}

async fn crash(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    cloud.close_gate();
    let dying = bench.start(Mode::Hybrid, &local, &cloud).await;
    let (lost, request) = (dying.clone(), dm("hi").with_idempotency_key("k"));
    let caller = tokio::spawn(async move { lost.route(request).await });
    cloud.begun(1).await;
    // The caller goes away; the call's own task is cut off only with the process, of which this bench has none: its lease lapses.
    caller.abort();
    bench.clock.advance(Duration::from_secs(180));
    let next = bench.start(Mode::Hybrid, &local, &cloud).await;
    let held = next.route(dm("hi").with_idempotency_key("k")).await;
    assert_eq!((held.outcome, held.error, held.replayed), (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown), true));
    assert_eq!(next.ledger().list(CallState::Unknown, 10).await.expect("a list").len(), 1);
    assert_eq!((local.count(), cloud.count()), (0, 1));
    // The late answer of the attempt itself is the proof that everybody waited for.
    cloud.open_gate();
    stop(dying).await;
    assert!(next.route(dm("hi").with_idempotency_key("k")).await.ok);
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_owner_vanished_after_it_left_is_held_until_its_own_answer_comes_on_sqlite() {
    crash(Bench::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_owner_vanished_after_it_left_is_held_until_its_own_answer_comes_on_postgres() {
    crash(Bench::postgres().await).await;
}

#[tokio::test]
async fn a_read_with_a_key_that_timed_out_may_be_sent_again() {
    let bench = Bench::sqlite();
    let times_out = Hand::failing(Outcome::Unknown, ErrorKind::Timeout);
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &times_out).await;
    let late = runtime.route(stats().with_idempotency_key("r")).await;
    assert_eq!(glance(&late), (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::Timeout), 4));
    stop(runtime).await;
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &Hand::working("there")).await;
    let again = runtime.route(stats().with_idempotency_key("r")).await;
    assert!(again.ok && !again.replayed, "{again:?}");
    assert!(runtime.route(stats().with_idempotency_key("r")).await.replayed);
    stop(runtime).await;
}

#[tokio::test]
async fn what_provably_did_not_run_may_be_sent_again_with_the_same_key() {
    let bench = Bench::sqlite();
    let runtime =
        bench.start(Mode::Cloud, &Hand::working("here"), &Hand::failing(Outcome::NotExecuted, ErrorKind::Unreachable)).await;
    assert_eq!(runtime.route(dm("hi")).await.error, Some(ErrorKind::Unreachable));
    stop(runtime).await;
    let cloud = Hand::working("there");
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
    let again = runtime.route(dm("hi")).await;
    assert!(again.ok && !again.replayed);
    assert_eq!(cloud.count(), 1);
    stop(runtime).await;
}
