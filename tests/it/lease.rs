//! Leases, on both databases.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::Clock;
use everreach_core::lease::{Acquired, Lease, LeaseTiming, Leases};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use serde_json::json;

use crate::support;

fn held(acquired: Acquired) -> Lease {
    match acquired {
        Acquired::Held { lease, .. } => lease,
        Acquired::ByOther(state) => panic!("somebody else has it: {state:?}"),
    }
}

fn leases(store: &Store, timing: LeaseTiming) -> (Leases, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    (Leases::new(store.clone(), Arc::clone(&clock) as _, timing), clock)
}

async fn one_holder(store: Store) {
    let (leases, clock) = leases(&store, LeaseTiming::default());
    let asked = (0..8).map(|number| {
        let (leases, holder) = (leases.clone(), format!("holder-{number}"));
        async move { leases.acquire("cron", &holder).await.expect("an answer") }
    });
    let answers = futures_util::future::join_all(asked).await;
    let mut holders: Vec<_> = answers.into_iter().filter(|answer| matches!(answer, Acquired::Held { .. })).map(held).collect();
    assert_eq!(holders.len(), 1);
    let first = holders.remove(0);
    assert_eq!(first.epoch(), 1);
    assert!(first.is_good(clock.monotonic() + Duration::from_secs(19)));
    assert!(!first.is_good(clock.monotonic() + Duration::from_secs(20)), "it stops by itself before others may take it");

    assert!(leases.renew(&first).await.expect("an answer").is_some());
    assert!(leases.release(&first, Some(json!({"last": "06:00"}))).await.expect("an answer"));
    assert!(!leases.release(&first, None).await.expect("an answer"), "it was given back already");
    assert_eq!(leases.renew(&first).await.expect("an answer"), None);

    let Acquired::Held { lease: second, note } = leases.acquire("cron", "holder-9").await.expect("an answer") else {
        panic!("nobody has it");
    };
    assert_eq!((second.epoch(), note), (2, Some(json!({"last": "06:00"}))));
    let state = leases.look("cron").await.expect("an answer").expect("a row");
    assert_eq!((state.holder.as_deref(), state.is_held, state.note), (Some("holder-9"), true, None));
    assert_eq!(leases.look("queue").await.expect("an answer"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_gets_it_and_hands_it_over_with_a_note_on_sqlite() {
    one_holder(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_gets_it_and_hands_it_over_with_a_note_on_postgres() {
    one_holder(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ran_out_is_taken_over_with_a_new_number_and_renewed_while_nobody_has() {
    let store = support::store::sqlite().await;
    let (leases, clock) = leases(&store, LeaseTiming::default());
    let first = held(leases.acquire("cron", "a").await.expect("an answer"));
    clock.advance(Duration::from_secs(31));
    let renewed = leases.renew(&first).await.expect("an answer").expect("nobody has taken it");
    assert_eq!(renewed.epoch(), 1);
    clock.advance(Duration::from_secs(31));
    let second = held(leases.acquire("cron", "b").await.expect("an answer"));
    assert_eq!(second.epoch(), 2);
    assert_eq!(leases.renew(&renewed).await.expect("an answer"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_servers_clock_counts_and_not_the_processes() {
    let store = support::store::postgres().await;
    let (leases, clock) = leases(&store, LeaseTiming::default());
    let first = held(leases.acquire("cron", "a").await.expect("an answer"));
    clock.advance(Duration::from_secs(3_600));
    assert!(matches!(leases.acquire("cron", "b").await.expect("an answer"), Acquired::ByOther(state) if state.is_held));
    assert!(!first.is_good(clock.monotonic()), "its own clock says when it stops");

    let at_once = LeaseTiming { ttl: Duration::ZERO, ..LeaseTiming::default() };
    let brief = Leases::new(store, Arc::clone(&clock) as _, at_once);
    held(brief.acquire("queue", "a").await.expect("an answer"));
    assert_eq!(held(brief.acquire("queue", "b").await.expect("an answer")).epoch(), 2);
}
