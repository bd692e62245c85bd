//! The job of a process that works through the queue until it is killed, and writes down every send before it happens.

use everreach_core::events::EventLog;
use everreach_core::safari::decision::{Conditions, RetrySchedule, settle};
use everreach_core::safari::queue::{Claimed, Finish, NewCommand, QueueConfig, SafariQueue};
use everreach_core::safari::{
    ActiveHours, Command, DispatchOutcome, HealthStatus, Platform, Reason, Repeat, Service, ServiceHealth, Verb,
};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::child::{Report, report};
use super::clock;
use crate::support::random::below;

const PLATFORMS: [Platform; 3] = [Platform::Twitter, Platform::Tiktok, Platform::Instagram];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) now: Timestamp,
    pub(crate) worker: String,
}

/// A queue as every process of the test has it.
pub(super) async fn queue(plan: &Plan) -> (SafariQueue, Store) {
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    let queue = SafariQueue::new(store.clone(), clock::from(plan.now), EventLog::start(store.clone()), QueueConfig::default());
    (queue, store)
}

/// Everything is up and always open; the limits bite within a few cycles.
pub(super) fn conditions(now: Timestamp, limits: &str) -> Conditions {
    let mut conditions = Conditions::new(chrono_tz::UTC);
    conditions.active_hours = ActiveHours::ALWAYS;
    conditions.pacing.min_delay = Some(std::time::Duration::ZERO);
    conditions.pacing.rest_after_unknown = Some(std::time::Duration::ZERO);
    conditions.limits = limits.parse().expect("limits");
    for service in Service::ALL {
        conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", now));
    }
    conditions
}

pub(super) const LIMITS: &str = r#"{"twitter": {"dm": 60}, "tiktok": {"dm": 30}, "instagram": {"dm": 40},
    "all": {"hour": 30, "day": 120}}"#;

pub(super) async fn run(plan: Plan) {
    let (queue, _store) = queue(&plan).await;
    let conditions = conditions(plan.now, LIMITS);
    report(&Report::Ready);
    // Until it is killed.
    loop {
        if below(4) == 0 {
            let written = queue.enqueue(some_commands(plan.now)).await.expect("it is written");
            report(&Report::Queued(written.iter().map(|one| one.id).collect()));
        }
        for claimed in queue.claim(&plan.worker, 1 + u32::try_from(below(4)).expect("small"), &conditions).await.expect("a claim")
        {
            work(&queue, claimed, plan.now).await;
        }
    }
}

fn some_commands(now: Timestamp) -> Vec<NewCommand> {
    let dm = |platform| NewCommand::new(Command::dm(platform, &format!("p{}", Id::new().as_uuid().simple()), "hello", now));
    let mut commands: Vec<_> = PLATFORMS.into_iter().map(dm).collect();
    commands.push(NewCommand::new(Command::new(Verb::Score, now)));
    commands
}

/// One try; what is sent is written down first, as a service would see it.
pub(super) async fn work(queue: &SafariQueue, claimed: Claimed, now: Timestamp) {
    let (id, number, is_outward) = (claimed.command().id, claimed.number(), claimed.dispatchable().verb().is_outward());
    queue.mark_dispatched(&claimed).await.expect("the claim holds");
    if is_outward {
        report(&Report::Pressed(id, number));
    }
    let outcome = match below(8) {
        0 => DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"),
        1 if is_outward => DispatchOutcome::unknown(Reason::TimedOut, "no answer"),
        _ => DispatchOutcome::sent("seen"),
    };
    tokio::time::sleep(std::time::Duration::from_micros(below(2_000))).await;
    let settlement = settle(&outcome, claimed.command().retry_count, &RetrySchedule::default(), now, 0.5);
    queue.finish(Finish::new(claimed, outcome, settlement).with_rest(std::time::Duration::ZERO)).await.expect("the claim holds");
}
