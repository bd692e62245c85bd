//! What a crash leaves between reserve and settle.

use std::time::Duration;

use everreach_core::cost::RESERVATION_LEASE;
use everreach_core::ledger::{Ledger, Verdict};

use super::*;

async fn journal(store: &Store, key: &str, state: &str, dispatched: &str, lease: &str) {
    let row = format!(
        "INSERT INTO everreach_calls (idempotency_key, action, fingerprint, state, owner, lease_until, dispatched_at, request_id, created_at, updated_at, expires_at) \
         VALUES ('{key}', 'research.platform', 'f', '{state}', 'o', '{lease}', {dispatched}, '01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b', \
         '2026-11-20T12:00:00.000000Z', '2026-11-20T12:00:00.000000Z', '2026-11-27T12:00:00.000000Z')"
    );
    store::execute(store, row).await;
}

async fn a_crash_leaves_no_money_wrong(store: &Store) {
    let (guard, clock) = guard_at(store, small(), "2026-11-20T12:00:00Z");
    let dispatched = "'2026-11-20T12:00:01.000000Z'";
    let (lapsed, live) = ("2026-11-20T12:02:00.000000Z", "2026-11-20T13:00:00.000000Z");
    for (key, state, sent, lease) in [
        ("never-left", "running", "NULL", lapsed),
        ("at-work", "running", "NULL", live),
        ("sent", "running", dispatched, lapsed),
        ("unknown", "unknown", dispatched, lapsed),
        ("done", "executed", dispatched, lapsed),
        ("refused", "not_executed", dispatched, lapsed),
    ] {
        journal(store, key, state, sent, lease).await;
        guard.reserve(request("0.01").for_call(key)).await.expect("room");
    }
    guard.reserve(request("0.1")).await.expect("a read");
    guard.reserve(request("0.2").essential()).await.expect("an essential read");

    clock.advance(RESERVATION_LEASE - Duration::from_micros(1));
    let early = guard.reconcile().await.expect("it looks");
    assert_eq!((early.settled, early.released, early.held), (0, 0, 0), "every lease still runs");
    clock.advance(Duration::from_micros(1));
    let done = guard.reconcile().await.expect("it closes");
    assert_eq!((done.settled, done.released, done.held), (3, 2, 3));
    let cost = guard.monthly_cost().await.expect("the month is told");
    assert_eq!((cost.total_usd, cost.reserved_usd, cost.essential_usd), (usd("0.31"), usd("0.03"), usd("0.2")));
    assert!(guard.audit().await.expect("an audit").is_consistent());

    store::execute(store, "UPDATE everreach_calls SET state = 'not_executed' WHERE idempotency_key = 'unknown'").await;
    store::execute(store, "UPDATE everreach_calls SET state = 'executed' WHERE idempotency_key = 'sent'").await;
    let resolved = guard.reconcile().await.expect("it closes");
    assert_eq!((resolved.settled, resolved.released, resolved.held), (1, 1, 1));
}

#[tokio::test]
async fn a_crash_leaves_no_money_wrong_on_sqlite() {
    a_crash_leaves_no_money_wrong(&store::sqlite().await).await;
}

#[tokio::test]
async fn a_crash_leaves_no_money_wrong_on_postgres() {
    a_crash_leaves_no_money_wrong(&store::postgres().await).await;
}

#[tokio::test]
async fn held_reservations_do_not_hide_those_behind_them() {
    let store = store::sqlite().await;
    let (guard, clock) = guard_at(&store, small(), "2026-11-20T12:00:00Z");
    for number in 0..150 {
        let key = format!("unknown-{number}");
        journal(&store, &key, "unknown", "'2026-11-20T12:00:01.000000Z'", "2026-11-20T12:02:00.000000Z").await;
        guard.reserve(request("0.001").for_call(key)).await.expect("room");
    }
    guard.reserve(request("0.1")).await.expect("room");
    clock.advance(RESERVATION_LEASE);
    let done = guard.reconcile().await.expect("it closes");
    assert_eq!((done.settled, done.held), (1, 150));
}

#[tokio::test]
async fn closed_reservations_are_forgotten_and_open_ones_are_not() {
    let store = store::sqlite().await;
    let (guard, clock) = guard_at(&store, small(), "2026-11-20T12:00:00Z");
    spend(&guard, "0.1").await;
    let held = guard.reserve(request("0.1")).await.expect("room");
    clock.advance(Duration::from_secs(1));
    assert_eq!(guard.forget_closed(at("2026-11-20T12:00:01Z")).await.expect("it forgets"), 1);
    guard.settle(&held, held.amount).await.expect("it is still known");
    assert_eq!(guard.monthly_cost().await.expect("the month is told").total_usd, usd("0.2"));
}

async fn attempt(store: &Store, key: &str, executor: &str, outcome: &str) {
    let row = format!(
        "INSERT INTO everreach_attempts (id, call_key, attempt, executor, dispatched_at, finished_at, outcome) VALUES \
         ('{}', '{key}', 1, '{executor}', '2026-11-20T12:00:01.000000Z', '2026-11-20T12:00:02.000000Z', '{outcome}')",
        everreach_core::Id::new()
    );
    store::execute(store, row).await;
}

/// The first try of each key died before it left; then the key was used again.
async fn a_key_that_was_used_again_is_paid_once(store: &Store) {
    let (guard, clock) = guard_at(store, small(), "2026-11-20T12:00:00Z");
    let (dispatched, lapsed) = ("'2026-11-20T12:00:01.000000Z'", "2026-11-20T12:02:00.000000Z");
    for (key, state, executor, outcome) in [
        ("settled", "executed", "cloud", "executed"),
        ("still-held", "executed", "cloud", "executed"),
        ("unknown", "unknown", "cloud", "unknown"),
        ("at-home", "executed", "local", "executed"),
    ] {
        journal(store, key, state, dispatched, lapsed).await;
        attempt(store, key, executor, outcome).await;
        guard.reserve(request("0.01").for_call(key)).await.expect("room");
    }
    clock.advance(Duration::from_secs(1));
    let again = guard.reserve(request("0.1").for_call("settled")).await.expect("room");
    guard.settle(&again, again.amount).await.expect("it is booked");
    guard.reserve(request("0.1").for_call("still-held")).await.expect("room");
    guard.reserve(request("0.1").for_call("unknown")).await.expect("room");

    clock.advance(RESERVATION_LEASE);
    let done = guard.reconcile().await.expect("it closes");
    assert_eq!((done.settled, done.released, done.held), (1, 4, 1));
    let cost = guard.monthly_cost().await.expect("the month is told");
    assert_eq!((cost.total_usd, cost.reserved_usd), (usd("0.2"), usd("0.1")));
}

#[tokio::test]
async fn a_key_that_was_used_again_is_paid_once_on_sqlite() {
    a_key_that_was_used_again_is_paid_once(&store::sqlite().await).await;
}

#[tokio::test]
async fn a_key_that_was_used_again_is_paid_once_on_postgres() {
    a_key_that_was_used_again_is_paid_once(&store::postgres().await).await;
}

async fn a_person_s_word_moves_the_money(store: &Store) {
    let (guard, clock) = guard_at(store, small(), "2026-11-20T12:00:00Z");
    let ledger = Ledger::new(store.clone(), Arc::clone(&clock) as _, EventLog::start(store.clone()), "person".to_owned());
    let (dispatched, lapsed) = ("'2026-11-20T12:00:01.000000Z'", "2026-11-20T12:02:00.000000Z");
    for (key, amount, verdict) in [
        ("happened", "0.01", Some(Verdict::Happened)),
        ("did-not", "0.02", Some(Verdict::DidNotHappen)),
        ("nobody-looked", "0.04", None),
    ] {
        journal(store, key, "unknown", dispatched, lapsed).await;
        attempt(store, key, "cloud", "unknown").await;
        guard.reserve(request(amount).for_call(key)).await.expect("room");
        if let Some(verdict) = verdict {
            ledger.resolve(&key.parse().expect("a key"), verdict).await.expect("it is settled");
        }
    }
    clock.advance(RESERVATION_LEASE);
    let done = guard.reconcile().await.expect("it closes");
    assert_eq!((done.settled, done.released, done.held), (1, 1, 1));
    let cost = guard.monthly_cost().await.expect("the month is told");
    assert_eq!((cost.total_usd, cost.reserved_usd), (usd("0.01"), usd("0.04")));
}

#[tokio::test]
async fn a_person_s_word_moves_the_money_on_sqlite() {
    a_person_s_word_moves_the_money(&store::sqlite().await).await;
}

#[tokio::test]
async fn a_person_s_word_moves_the_money_on_postgres() {
    a_person_s_word_moves_the_money(&store::postgres().await).await;
}
