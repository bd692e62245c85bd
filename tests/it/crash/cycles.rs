//! Two hundred kills of a process that sends, at instants that nobody chose.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use everreach_core::cost::{CostGuard, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::ledger::CallState;
use everreach_core::runtime::Runtime;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Envelope, ErrorKind, MicroUsd, Outcome, Timestamp};
use futures_util::StreamExt;

use super::calls::{self, Leavings, PRICE, Plan};
use super::child::{Child, Job, Report};
use super::cloud::CountingCloud;
use crate::support::random::below;
use crate::support::store::{number, postgres_url};

/// In how many of the last cycles there is a cap to reach, and for how many calls it leaves room.
const LAST_CYCLES: u32 = 15;
const LAST_ROOM: i64 = 20;

/// What the parent knows from the reports.
#[derive(Default)]
pub(super) struct Told {
    pub(super) asked: BTreeSet<u64>,
    pub(super) answered: BTreeMap<u64, Envelope>,
    left: Leavings,
    cycles_that_left_dispatched: usize,
    cycles_that_left_undispatched: usize,
    cycles_that_left_money_held: usize,
    killed_during_start: usize,
}

impl Told {
    pub(super) fn hear(&mut self, report: Report) {
        match report {
            Report::Asked(call) => drop(self.asked.insert(call)),
            Report::Answered(call, envelope) => {
                let envelope = serde_json::from_value(envelope).expect("an envelope");
                let before = self.answered.insert(call, envelope);
                assert!(before.is_none(), "call {call} was answered and asked again");
            }
            Report::Found(left) => {
                self.cycles_that_left_dispatched += usize::from(left.dispatched > 0);
                self.cycles_that_left_undispatched += usize::from(left.undispatched > 0);
                self.cycles_that_left_money_held += usize::from(left.held > 0);
                self.left = left;
            }
            _ => {}
        }
    }

    /// The first call that nobody has asked for.
    pub(super) fn next_call(&self) -> u64 {
        self.asked.last().map_or(0, |last| last + 1)
    }

    pub(super) fn unanswered(&self) -> Vec<u64> {
        self.asked.iter().copied().filter(|call| !self.answered.contains_key(call)).collect()
    }
}

/// One life: it starts, settles what the last one left, sends, and is killed.
async fn cycle(plan: Plan, longest_life: Duration, told: &mut Told) {
    let mut child = Child::start(&Job::Call(plan));
    // Every eighth dies while it starts, which is when it settles what others left.
    let dies_early = below(8) == 0;
    let mut is_ready = false;
    let mut budget = longest_life / 1_000 * u32::try_from(below(1_000)).expect("a small number");
    let first = if dies_early { child.next_within(budget).await } else { child.next().await };
    if let Some(report) = first {
        told.hear(report);
    }
    if !dies_early {
        while !is_ready {
            let report = child.next().await.expect("it gets ready");
            is_ready = report == Report::Ready;
            told.hear(report);
        }
    }
    let began = tokio::time::Instant::now();
    while let Some(report) = child.next_within(budget.saturating_sub(began.elapsed())).await {
        is_ready |= report == Report::Ready;
        told.hear(report);
        if began.elapsed() >= budget {
            budget = Duration::ZERO;
        }
    }
    child.kill().await;
    for report in child.rest().await {
        is_ready |= report == Report::Ready;
        told.hear(report);
    }
    told.killed_during_start += usize::from(!is_ready);
}

async fn nothing_is_lost_and_nothing_happens_twice(url: String, cycles: u32, longest_life: Duration) -> Told {
    let (folder, cloud) = (tempfile::tempdir().expect("a folder"), CountingCloud::start().await);
    let began: Timestamp = "2026-11-03T00:00:00Z".parse().expect("a time");
    let mut plan = Plan {
        url,
        folder: folder.path().to_owned(),
        cloud: cloud.url.to_string(),
        now: began,
        cap: MicroUsd::from_usd(400),
        again: [].into(),
        first: 0,
    };
    let mut told = Told::default();
    for number in 0..cycles {
        if number == cycles - LAST_CYCLES {
            plan.cap = room_for(LAST_ROOM, &plan).await;
        }
        plan.again = told.unanswered().into();
        plan.first = told.next_call();
        cycle(plan.clone(), longest_life, &mut told).await;
        // Past the lease of a call each time, past that of a reservation most times.
        plan.now += Duration::from_secs(if number % 3 == 0 { 240 } else { 660 });
    }
    live_until_refused(plan.clone(), &mut told).await;
    plan.now += Duration::from_secs(3_600);
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    let runtime = calls::runtime(&plan, store.clone()).await;
    check_calls(&runtime, &told, &cloud).await;
    check_money(&runtime, &plan, &store).await;
    check_answers(&runtime, &told, &cloud).await;
    runtime.shutdown(Duration::from_secs(5)).await;
    told
}

/// One last life, up to the cap.
async fn live_until_refused(mut plan: Plan, told: &mut Told) {
    plan.again = told.unanswered().into();
    plan.first = told.next_call();
    let mut child = Child::start(&Job::Call(plan));
    while !told.answered.values().any(|envelope| envelope.error == Some(ErrorKind::CostCapExceeded)) {
        told.hear(child.next().await.expect("it calls until it is killed"));
    }
    child.kill().await;
    child.rest().await.into_iter().for_each(|report| told.hear(report));
}

/// A cap that leaves room for so many more calls.
async fn room_for(calls: i64, plan: &Plan) -> MicroUsd {
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    let clock = super::clock::from(plan.now);
    let guard = SqlCostGuard::new(store.clone(), Default::default(), clock, EventLog::start(store.clone())).expect("a guard");
    let cost = guard.monthly_cost().await.expect("the month is told");
    store.close().await;
    MicroUsd::from_micros(cost.total_usd.micros() + cost.reserved_usd.micros() + calls * PRICE.micros())
}

/// Each call is settled or held, ran at most once, and the journal says of each whether it ran.
pub(super) async fn check_calls(runtime: &Runtime, told: &Told, cloud: &CountingCloud) {
    let counts = cloud.counts();
    for (key, count) in &counts {
        assert_eq!(*count, 1, "{key} ran {count} times");
    }
    for call in &told.asked {
        let key = calls::key(*call);
        let ran = counts.contains_key(&key);
        let record = runtime.ledger().get(&key.parse().expect("a key")).await.expect("a look");
        match record.map(|record| record.state) {
            Some(CallState::Executed) => assert!(ran, "{key} is said to have run"),
            Some(CallState::Unknown) => {}
            Some(CallState::NotExecuted) => assert!(!ran, "{key} ran, and is said not to have"),
            None => assert!(!ran && !told.answered.contains_key(call), "{key} is lost"),
            Some(other) => panic!("{key} is {other}"),
        }
    }
}

/// The cap holds, the books agree with themselves, and money is held for calls that are held only.
pub(super) async fn check_books(runtime: &Runtime, plan: &Plan, store: &Store) {
    let cost = runtime.cost().monthly_cost().await.expect("the month is told");
    assert!(cost.total_usd.saturating_add(cost.reserved_usd) <= plan.cap, "{cost:?}");
    let clock = super::clock::from(plan.now);
    let guard = SqlCostGuard::new(store.clone(), Default::default(), clock, EventLog::start(store.clone())).expect("a guard");
    let audit = guard.audit().await.expect("an audit");
    assert!(audit.is_consistent(), "{audit:?}");
    let stray = "SELECT COUNT(*) FROM everreach_cost_reservations r LEFT JOIN everreach_calls c ON c.idempotency_key = r.call_key \
        WHERE r.state = 'held' AND (c.state IS NULL OR c.state <> 'unknown')";
    assert_eq!(number(store, stray).await, 0, "money is held for calls that are over");
}

/// Every cent is accounted for: held for the calls that are held, booked for those that ran.
async fn check_money(runtime: &Runtime, plan: &Plan, store: &Store) {
    check_books(runtime, plan, store).await;
    let cost = runtime.cost().monthly_cost().await.expect("the month is told");
    let sent =
        "SELECT COUNT(*) FROM everreach_attempts WHERE executor = 'cloud' AND COALESCE(outcome, 'unknown') <> 'not_executed'";
    let sent = number(store, sent).await;
    let spent = cost.total_usd.micros() + cost.reserved_usd.micros();
    assert_eq!(spent, sent * PRICE.micros(), "each call that left for the cloud cost its price once");
}

/// What was acknowledged is answered the same for ever, without another execution.
async fn check_answers(runtime: &Runtime, told: &Told, cloud: &CountingCloud) {
    let ran = cloud.counts().len();
    let settled = told.answered.iter().filter(|(_, envelope)| envelope.outcome != Outcome::NotExecuted);
    let asked = settled.map(|(call, first)| async move {
        let again = runtime.route(calls::request(*call)).await;
        assert!(again.replayed, "call {call}: {again:?}");
        let told = |envelope: &Envelope| {
            (envelope.ok, envelope.outcome, envelope.result.clone(), envelope.error, envelope.source, envelope.cost_usd)
        };
        assert_eq!(told(&again), told(first), "call {call}");
    });
    let checked = futures_util::stream::iter(asked).buffer_unordered(16).count().await;
    assert!(checked > 0, "something was acknowledged");
    assert_eq!(cloud.counts().len(), ran, "asking again sends nothing");
}

fn both_instants_were_hit(told: &Told, at_least: usize) {
    let hit = (told.cycles_that_left_dispatched, told.cycles_that_left_undispatched, told.cycles_that_left_money_held);
    let seen = format!(
        "dispatched, undispatched, held: {hit:?}; killed during start: {}; asked: {}, answered: {}",
        told.killed_during_start,
        told.asked.len(),
        told.answered.len()
    );
    assert!(hit.0 >= at_least && hit.1 >= at_least && hit.2 >= at_least, "{seen}");
}

#[tokio::test]
async fn two_hundred_kills_lose_nothing_and_repeat_nothing_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/killed.db", folder.path().display());
    both_instants_were_hit(&nothing_is_lost_and_nothing_happens_twice(url, 200, Duration::from_millis(60)).await, 20);
}

#[tokio::test]
async fn kills_lose_nothing_and_repeat_nothing_on_postgres() {
    both_instants_were_hit(
        &nothing_is_lost_and_nothing_happens_twice(postgres_url().await, 40, Duration::from_millis(200)).await,
        2,
    );
}
