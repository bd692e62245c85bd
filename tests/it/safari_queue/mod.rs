//! The queue of browser commands, on both databases.

mod adoption;
mod claims;
mod foreign;
mod groups;
mod leases;
mod limits;
mod operations;
mod people;
mod races;
mod sent_elsewhere;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::safari::decision::{Conditions, NextStep, RetrySchedule, Rule, settle};
use everreach_core::safari::queue::{Claimed, CommandDetail, Finish, NewCommand, QueueConfig, SafariQueue};
use everreach_core::safari::{
    ActiveHours, Command, DispatchOutcome, HealthStatus, Platform, Reason, Repeat, Service, ServiceHealth, Verb,
};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use everreach_core::{Clock, Id, Timestamp};

use crate::support::store;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// One test for each database.
macro_rules! on_both {
    ($(async fn $name:ident($bench:ident: Bench) $body:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every test needs all of it")]
            use super::*;

            async fn test($bench: Bench) $body

            #[tokio::test]
            async fn on_sqlite() {
                test(Bench::new($crate::support::store::sqlite().await)).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                test(Bench::new($crate::support::store::postgres().await)).await;
            }
        })+
    };
}
use on_both;

/// A queue whose clock stands still, and conditions under which everything may go.
#[derive(Clone)]
struct Bench {
    store: Store,
    clock: Arc<ManualClock>,
    queue: SafariQueue,
    conditions: Conditions,
}

impl Bench {
    fn new(store: Store) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let queue = SafariQueue::new(store.clone(), clock.clone(), EventLog::start(store.clone()), QueueConfig::default());
        let conditions = open_conditions(clock.now());
        Self { store, clock, queue, conditions }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn dm(&self, platform: Platform, handle: &str) -> NewCommand {
        NewCommand::new(Command::dm(platform, handle, "hello", self.now()))
    }

    fn score(&self) -> NewCommand {
        NewCommand::new(Command::new(Verb::Score, self.now()))
    }

    async fn enqueue(&self, command: NewCommand) -> Id {
        self.queue.enqueue(vec![command]).await.expect("it is written")[0].id
    }

    async fn claim(&self, wanted: u32) -> Vec<Claimed> {
        self.queue.claim("mac-1", wanted, &self.conditions).await.expect("a claim")
    }

    /// The one command that can be claimed.
    async fn claim_one(&self) -> Claimed {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    async fn dispatch(&self, claimed: &Claimed) {
        self.queue.mark_dispatched(claimed).await.expect("the claim holds");
    }

    fn end(&self, claimed: Claimed, outcome: DispatchOutcome) -> Finish {
        let settlement = settle(&outcome, claimed.command().retry_count, &RetrySchedule::default(), self.now(), 0.0);
        Finish::new(claimed, outcome, settlement).with_rest(Duration::ZERO)
    }

    async fn finish(&self, claimed: Claimed, outcome: DispatchOutcome) {
        self.queue.finish(self.end(claimed, outcome)).await.expect("the claim holds");
    }

    /// Claims the one command, marks it, finishes it.
    async fn work(&self, outcome: DispatchOutcome) -> Id {
        let claimed = self.claim_one().await;
        self.dispatch(&claimed).await;
        let id = claimed.command().id;
        self.finish(claimed, outcome).await;
        id
    }

    async fn get(&self, id: Id) -> CommandDetail {
        self.queue.get(id, &self.conditions).await.expect("a look").expect("it is there")
    }

    async fn conditions_now(&self) -> Conditions {
        self.queue.conditions(&self.conditions).await.expect("the conditions")
    }

    async fn number(&self, statement: &str) -> i64 {
        store::number(&self.store, statement).await
    }

    async fn execute(&self, statement: &str) {
        store::execute(&self.store, statement).await;
    }

    /// What the account has used today.
    async fn used(&self, platform: &str) -> i64 {
        let statement = "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM safari_rate_limits WHERE period = 'day'";
        self.number(&format!("{statement} AND platform = '{platform}'")).await
    }
}

/// Everything is up, always open, without spacing.
fn open_conditions(now: Timestamp) -> Conditions {
    let mut conditions = Conditions::new(chrono_tz::UTC);
    conditions.active_hours = ActiveHours::ALWAYS;
    conditions.pacing.min_delay = Some(Duration::ZERO);
    for service in Service::ALL {
        conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", now));
    }
    conditions
}

fn sent() -> DispatchOutcome {
    DispatchOutcome::sent("seen in the conversation")
}

fn refused() -> DispatchOutcome {
    DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "the page did not load")
}

fn unknown() -> DispatchOutcome {
    DispatchOutcome::unknown(Reason::TimedOut, "no answer in time")
}
