//! Safari's services as a double, and commands in every state.

use std::time::Duration;

use async_trait::async_trait;
use everreach_core::safari::decision::{Conditions, RetrySchedule, settle};
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::queue::{Finish, NewCommand, SafariQueue};
use everreach_core::safari::{
    ActiveHours, Command, DispatchOutcome, HealthStatus, Platform, Reason, SafariDispatcher, Service, ServiceHealth,
};
use everreach_core::{Clock as _, Id, SystemClock, Timestamp};

/// Services of which one is down; the others send whatever they are given.
#[derive(Debug)]
pub(crate) struct Services;

#[async_trait]
impl SafariDispatcher for Services {
    async fn health(&self, service: Service) -> ServiceHealth {
        match service {
            Service::TiktokDm => ServiceHealth::new(service, HealthStatus::Down, "nobody listens there", now()),
            _ => ServiceHealth::new(service, HealthStatus::Healthy, "up", now()).after(Duration::from_millis(3)),
        }
    }

    async fn dispatch(&self, _: &Dispatchable) -> DispatchOutcome {
        DispatchOutcome::sent("sent by the double")
    }
}

pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}

/// Conditions under which everything may go.
fn open() -> Conditions {
    let mut conditions = Conditions::new(chrono_tz::UTC);
    conditions.active_hours = ActiveHours::ALWAYS;
    conditions.pacing.min_delay = Some(Duration::ZERO);
    conditions.pacing.rest_after_unknown = Some(Duration::ZERO);
    for service in Service::ALL {
        conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", now()));
    }
    conditions
}

/// A message that was tried once, with this outcome.
pub(crate) async fn tried(queue: &SafariQueue, handle: &str, outcome: DispatchOutcome) -> Id {
    let id = queue
        .enqueue(vec![NewCommand::new(Command::dm(Platform::Twitter, handle, "hello", now()))])
        .await
        .expect("it is written")[0]
        .id;
    let claimed = queue.claim("tester", 1, &open()).await.expect("a claim").pop().expect("nothing else waits");
    assert_eq!(claimed.command().id, id);
    queue.mark_dispatched(&claimed).await.expect("it is ours");
    let settlement = settle(&outcome, 0, &RetrySchedule::default(), now(), 0.0);
    queue.finish(Finish::new(claimed, outcome, settlement).with_rest(Duration::ZERO)).await.expect("it is finished");
    id
}

pub(crate) fn unknown() -> DispatchOutcome {
    DispatchOutcome::unknown(Reason::TimedOut, "no answer came")
}

pub(crate) fn refused() -> DispatchOutcome {
    DispatchOutcome::refused(everreach_core::safari::Repeat::Never, Reason::RecipientNotFound, "there is no such person")
}
