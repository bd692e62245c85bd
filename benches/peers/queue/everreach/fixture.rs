//! A queue and a worker with what they need.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::safari::alert::AlertOutbox;
use everreach_core::safari::limits::{Limit, LimitTable};
use everreach_core::safari::queue::{QueueConfig, SafariQueue};
use everreach_core::safari::worker::{SafariWorker, WorkerConfig, WorkerParts};
use everreach_core::safari::{ActiveHours, SafariConfig};
use everreach_core::stop::StopSwitch;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{SharedClock, SystemClock};

use crate::Result;
use crate::arguments::Arguments;
use crate::seen::Seen;

/// How often `everreach safari daemon` looks for what nobody announced.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    pub(crate) queue: SafariQueue,
    pub(crate) clock: SharedClock,
    store: Store,
    events: EventLog,
}

impl Fixture {
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self> {
        let store = Store::open(&StoreConfig::new(&arguments.database)).await?;
        let clock = SystemClock::shared();
        let events = EventLog::start(store.clone());
        let queue = SafariQueue::new(store.clone(), clock.clone(), events.clone(), QueueConfig::default());
        Ok(Self { queue, clock, store, events })
    }

    /// A worker as a host makes it, under these limits. Its hours and spacing are off: they hold commands back and cost nothing.
    pub(crate) fn worker(&self, arguments: &Arguments, seen: &Arc<Seen>, limits: LimitTable) -> SafariWorker {
        let mut safari = SafariConfig::default();
        safari.limits = limits.with_combined(Limit::default());
        safari.active_hours = ActiveHours::ALWAYS;
        safari.pacing.min_delay = Some(Duration::ZERO);
        let mut config = WorkerConfig::new("bench", &safari);
        if let Some(parallel) = arguments.parallel {
            config.parallel = parallel;
        }
        let folder = arguments.folder.clone();
        let parts = WorkerParts {
            store: self.store.clone(),
            queue: self.queue.clone(),
            dispatcher: Arc::<Seen>::clone(seen),
            clock: self.clock.clone(),
            stop: StopSwitch::new(self.store.clone(), self.clock.clone(), self.events.clone(), folder),
            alerts: AlertOutbox::new(self.store.clone(), self.clock.clone()),
            campaigns: None,
        };
        SafariWorker::new(parts, config)
    }

    pub(crate) async fn close(self) {
        self.events.flush().await;
        self.store.close().await;
    }
}
