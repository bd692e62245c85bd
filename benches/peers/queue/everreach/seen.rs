//! The dispatcher that does nothing but remember.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::limits::Limit;
use everreach_core::safari::{DispatchOutcome, HealthStatus, SafariDispatcher, Service, ServiceHealth};
use everreach_core::{Id, Result, SystemClock};
use tokio::sync::Notify;

/// Which commands reached the dispatcher and when, in nanoseconds since 1970: two processes share that clock.
pub(crate) struct Seen {
    expected: usize,
    begun: Mutex<Vec<(Id, u64)>>,
    all: Notify,
}

impl Seen {
    pub(crate) fn expecting(commands: u32) -> Self {
        let expected = usize::try_from(commands).unwrap_or(usize::MAX);
        Self { expected, begun: Mutex::default(), all: Notify::new() }
    }

    /// Until as many as expected have begun.
    pub(crate) async fn all(&self) {
        self.all.notified().await;
    }

    pub(crate) fn begun(&self) -> Vec<(Id, u64)> {
        self.lock().clone()
    }

    /// When the last one began.
    pub(crate) fn last(&self) -> u64 {
        self.lock().iter().map(|(_, at)| *at).max().unwrap_or(0)
    }

    pub(crate) fn distinct(&self) -> usize {
        self.lock().iter().map(|(id, _)| *id).collect::<HashSet<_>>().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Id, u64)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SafariDispatcher for Seen {
    async fn health(&self, service: Service) -> ServiceHealth {
        ServiceHealth::new(service, HealthStatus::Healthy, "a bench", SystemClock::shared().now())
    }

    /// None: what they are known to allow would stop the bench after some messages.
    async fn limits(&self, _service: Service) -> Result<Option<Limit>> {
        Ok(Some(Limit::default()))
    }

    async fn dispatch(&self, command: &Dispatchable) -> DispatchOutcome {
        let at = unix_ns();
        let mut begun = self.lock();
        begun.push((command.command_id(), at));
        if begun.len() == self.expected {
            self.all.notify_one();
        }
        DispatchOutcome::sent("done")
    }
}

#[allow(clippy::disallowed_methods, reason = "a bench measures by the clock that two processes share")]
pub(crate) fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    std::time::Duration::from_nanos(to_ns.saturating_sub(from_ns)).as_secs_f64()
}
