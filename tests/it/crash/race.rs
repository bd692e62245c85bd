//! Four processes of sixteen tasks each race to the cap, and some of them are killed on the way.

use std::time::Duration;

use everreach_core::cost::{CostGuard, CostRequest, RESERVATION_LEASE, SqlCostGuard};
use everreach_core::{ErrorKind, MicroUsd, Timestamp};
use tokio::task::JoinSet;

use super::child::{Child, Job, Report};
use super::spending::{self, Plan};
use crate::support::random::below;
use crate::support::store::postgres_url;

const PROCESSES: usize = 4;
const TASKS: usize = 16;
/// How often each process is killed and started again.
const KILLS: usize = 2;

fn usd(text: &str) -> MicroUsd {
    text.parse().expect("an amount")
}

/// What one place in the race told, over all the processes that took it.
#[derive(Default)]
struct Told {
    reserved: u64,
    settled: i64,
    failures: Vec<String>,
}

impl Told {
    fn hear(&mut self, report: Report) {
        match report {
            Report::Reserved => self.reserved += 1,
            Report::Settled(micros) => self.settled += micros,
            Report::Failed(what) => self.failures.push(what),
            _ => {}
        }
    }
}

/// Runs one place of the race: a process that is killed after a random number of reservations, and its successors.
async fn take_part(plan: Plan) -> Told {
    let mut told = Told::default();
    for _ in 0..KILLS {
        let mut child = Child::start(&Job::Spend(plan.clone()));
        let until = told.reserved + 10 + below(40);
        while told.reserved < until {
            match child.next().await {
                Some(report) => told.hear(report),
                None => break,
            }
        }
        child.kill().await;
        child.rest().await.into_iter().for_each(|report| told.hear(report));
    }
    let reports = Child::start(&Job::Spend(plan)).finish().await;
    assert!(reports.contains(&Report::Done));
    reports.into_iter().for_each(|report| told.hear(report));
    told
}

/// Looks at the month again and again while the others spend.
async fn watch(guard: &SqlCostGuard, cap: MicroUsd, race: &mut JoinSet<Told>) -> Vec<Told> {
    let mut all = Vec::new();
    while all.len() < PROCESSES {
        let cost = guard.monthly_cost().await.expect("the month is told");
        assert!(cost.total_usd.saturating_add(cost.reserved_usd) <= cap, "{cost:?}");
        match tokio::time::timeout(Duration::from_millis(5), race.join_next()).await {
            Ok(Some(told)) => all.push(told.expect("no place panics")),
            Ok(None) => unreachable!("the loop ends before"),
            Err(_) => {}
        }
    }
    all
}

async fn nobody_passes_the_cap(url: String, cap: MicroUsd) {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    let price = usd("0.002");
    let plan = Plan { url, now, cap, price, tasks: TASKS };
    let guard = spending::guard(&plan).await;
    let mut race: JoinSet<_> = (0..PROCESSES).map(|_| take_part(plan.clone())).collect();
    let told = watch(&guard, cap, &mut race).await;

    let failures: Vec<_> = told.iter().flat_map(|place| &place.failures).collect();
    assert!(failures.is_empty(), "{failures:?}");
    // What the killed held stays held.
    let cost = guard.monthly_cost().await.expect("the month is told");
    let booked: i64 = told.iter().map(|place| place.settled).sum();
    assert!(cost.total_usd.micros() >= booked, "{booked} was acknowledged: {cost:?}");
    let audit = guard.audit().await.expect("an audit");
    assert!(audit.is_consistent(), "{audit:?}");

    // The room that is left is exactly the room to the cap.
    while guard.reserve(CostRequest::new("research.platform".parse().expect("a name"), usd("0.001"))).await.is_ok() {}
    let full = guard.monthly_cost().await.expect("the month is told");
    assert_eq!(full.total_usd.saturating_add(full.reserved_usd), cap, "no overshoot, and no room lost");
    let held = full.reserved_usd;
    assert!(cost.reserved_usd > MicroUsd::ZERO, "at least one was killed between reserve and settle");

    let later = Plan { now: now + RESERVATION_LEASE + Duration::from_secs(600), ..plan };
    let guard = spending::guard(&later).await;
    let reconciled = guard.reconcile().await.expect("it closes");
    let after = guard.monthly_cost().await.expect("the month is told");
    assert_eq!((after.total_usd, after.reserved_usd), (cap, MicroUsd::ZERO), "{held} was held, {reconciled:?}");
    assert!(guard.audit().await.expect("an audit").is_consistent());
    let request = CostRequest::new("research.platform".parse().expect("a name"), price);
    assert_eq!(guard.reserve(request).await.expect_err("full").kind(), ErrorKind::CostCapExceeded);
}

#[tokio::test]
async fn four_processes_that_race_and_die_never_pass_the_cap_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    nobody_passes_the_cap(format!("sqlite://{}/race.db", folder.path().display()), usd("2")).await;
}

#[tokio::test]
async fn four_processes_that_race_and_die_never_pass_the_cap_on_postgres() {
    nobody_passes_the_cap(postgres_url().await, usd("1")).await;
}
