//! A worker with all it needs, a clock that stands still and services that follow a script.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::safari::alert::AlertOutbox;
use everreach_core::safari::campaign::Campaigns;
use everreach_core::safari::decision::Pacing;
use everreach_core::safari::inbox::Inbox;
use everreach_core::safari::queue::{CommandDetail, NewCommand, QueueConfig, SafariQueue};
use everreach_core::safari::worker::{SafariWorker, WorkerConfig, WorkerParts};
use everreach_core::safari::{ActiveHours, Command, CommandStatus, Platform, SafariConfig, Verb};
use everreach_core::stop::StopSwitch;
use everreach_core::store::Store;
use everreach_core::testing::{ManualClock, ScriptedDispatcher};
use everreach_core::{Clock, Id, SharedClock, Timestamp};
use tempfile::TempDir;

use crate::support::store::{postgres, sqlite};

pub(super) async fn both() -> [Store; 2] {
    [sqlite().await, postgres().await]
}

pub(super) fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) clock: Arc<ManualClock>,
    pub(super) queue: SafariQueue,
    pub(super) stop: StopSwitch,
    pub(super) alerts: AlertOutbox,
    pub(super) campaigns: Campaigns,
    pub(super) dispatcher: Arc<ScriptedDispatcher>,
    pub(super) worker: SafariWorker,
    pub(super) config: SafariConfig,
    shared: SharedClock,
    events: EventLog,
    _folder: TempDir,
}

impl World {
    pub(super) fn new(store: Store, dispatcher: ScriptedDispatcher) -> Self {
        Self::with(store, Arc::new(dispatcher), Arc::new(ManualClock::at(noon())))
    }

    pub(super) fn with(store: Store, dispatcher: Arc<ScriptedDispatcher>, clock: Arc<ManualClock>) -> Self {
        Self::reading(store, dispatcher, clock.clone(), clock)
    }

    /// The same with a worker that reads the time from another clock, which follows this one.
    pub(super) fn reading(
        store: Store,
        dispatcher: Arc<ScriptedDispatcher>,
        clock: Arc<ManualClock>,
        shared: SharedClock,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let events = EventLog::start(store.clone());
        let queue = SafariQueue::new(store.clone(), shared.clone(), events.clone(), QueueConfig::default());
        let stop = StopSwitch::new(store.clone(), shared.clone(), events.clone(), folder.path().to_owned());
        let alerts = AlertOutbox::new(store.clone(), shared.clone());
        let campaigns = Campaigns::new(store.clone(), shared.clone(), queue.clone(), alerts.clone());
        let mut config = SafariConfig::default();
        config.active_hours = ActiveHours::ALWAYS;
        config.pacing = Pacing::default();
        (config.pacing.min_delay, config.pacing.rest_after_unknown) = (Some(Duration::ZERO), Some(Duration::ZERO));
        let parts = WorkerParts {
            store: store.clone(),
            queue: queue.clone(),
            dispatcher: dispatcher.clone(),
            clock: shared.clone(),
            stop: stop.clone(),
            alerts: alerts.clone(),
            campaigns: Some(campaigns.clone()),
        };
        let worker = SafariWorker::new(parts, WorkerConfig::new("mac-1", &config));
        Self { store, clock, shared, queue, stop, alerts, campaigns, dispatcher, worker, config, events, _folder: folder }
    }

    /// Lets campaigns look into this inbox.
    pub(super) fn with_inbox(mut self, inbox: Arc<dyn Inbox>) -> Self {
        self.campaigns = self.campaigns.with_inbox(inbox);
        self.worker = self.another("mac-1");
        self
    }

    /// Starts the worker again under these settings.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut SafariConfig)) {
        change(&mut self.config);
        self.worker = self.another("mac-1");
    }

    /// Another worker on the same table.
    pub(super) fn another(&self, name: &str) -> SafariWorker {
        self.configured(WorkerConfig::new(name, &self.config))
    }

    fn parts(&self) -> WorkerParts {
        WorkerParts {
            store: self.store.clone(),
            queue: self.queue.clone(),
            dispatcher: self.dispatcher.clone(),
            clock: self.shared.clone(),
            stop: self.stop.clone(),
            alerts: self.alerts.clone(),
            campaigns: Some(self.campaigns.clone()),
        }
    }

    /// A worker with settings of its own.
    pub(super) fn configured(&self, config: WorkerConfig) -> SafariWorker {
        SafariWorker::new(self.parts(), config)
    }

    /// Another worker that leaves the campaigns to others.
    pub(super) fn sender(&self, name: &str) -> SafariWorker {
        SafariWorker::new(WorkerParts { campaigns: None, ..self.parts() }, WorkerConfig::new(name, &self.config))
    }

    pub(super) async fn enqueue(&self, commands: impl IntoIterator<Item = Command>) -> Vec<Id> {
        let new = commands.into_iter().map(NewCommand::new).collect();
        let written = self.queue.enqueue(new).await.expect("they are written");
        written.into_iter().map(|written| written.id).collect()
    }

    pub(super) fn dm(&self, name: &str) -> Command {
        Command::dm(Platform::Twitter, name, "hello there", self.clock.now())
    }

    pub(super) fn score(&self) -> Command {
        Command::new(Verb::Score, self.clock.now())
    }

    pub(super) async fn get(&self, id: Id) -> CommandDetail {
        let conditions = self.worker.conditions().await.expect("the conditions");
        self.queue.get(id, &conditions).await.expect("it is read").expect("it is there")
    }

    pub(super) async fn status(&self, id: Id) -> CommandStatus {
        self.get(id).await.entry.command.status
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn events(&self) -> &EventLog {
        &self.events
    }
}
