//! Safari, as a runtime drives it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::events::EventLog;
use crate::notify::Notifier;
use crate::safari::alert::AlertOutbox;
use crate::safari::campaign::{Campaigns, Copywriter};
use crate::safari::decision::Conditions;
use crate::safari::inbox::Inbox;
use crate::safari::queue::{QueueConfig, SafariQueue};
use crate::safari::worker::{DenyListFile, RunSummary, SafariWorker, WorkerConfig, WorkerParts};
use crate::safari::{SafariConfig, SafariDispatcher, ServiceHealth};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{Error, ErrorKind, Id, Result, SharedClock, Side};

/// Safari's queue, what carries its commands out, and the worker that does so when it is told; cheap to clone.
///
/// ```
/// use everreach_core::runtime::{Runtime, RuntimeConfig};
/// use everreach_core::safari::queue::NewCommand;
/// use everreach_core::safari::{Command, Verb};
/// # async fn run() -> everreach_core::Result<()> {
/// # let mut config = RuntimeConfig::default();
/// # config.store.url = "sqlite::memory:".to_owned();
/// # config.data_dir = std::env::temp_dir().join("everreach-doc");
/// let runtime = Runtime::builder(config).build().await?;
/// let queue = runtime.safari().queue();
/// let written = queue.enqueue(vec![NewCommand::new(Command::new(Verb::Score, runtime.clock().now()))]).await?;
/// let detail = queue.get(written[0].id, &runtime.safari().settings_only()).await?.expect("it is there");
/// assert_eq!(detail.entry.attempts, 0);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Clone)]
pub struct Safari {
    queue: SafariQueue,
    dispatcher: Arc<dyn SafariDispatcher>,
    config: Arc<SafariConfig>,
    worker: SafariWorker,
    campaigns: Campaigns,
    alerts: AlertOutbox,
    notifier: Arc<dyn Notifier>,
    deny_list: Option<Arc<DenyListFile>>,
    /// What is worked on.
    work: TaskTracker,
    /// Alerts on their way.
    background: TaskTracker,
    stopping: CancellationToken,
    side: Side,
}

/// What the runtime lends it.
pub(super) struct SafariParts {
    /// On which side this process is.
    pub(super) side: Side,
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    pub(super) stop: StopSwitch,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) dispatcher: Arc<dyn SafariDispatcher>,
    /// Where replies are looked for; none when only people tell.
    pub(super) inbox: Option<Arc<dyn Inbox>>,
    pub(super) copywriter: Arc<dyn Copywriter>,
    pub(super) deny_list: Option<Arc<DenyListFile>>,
    pub(super) background: TaskTracker,
    pub(super) stopping: CancellationToken,
}

impl std::fmt::Debug for Safari {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Safari").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Safari {
    pub(super) fn new(config: SafariConfig, parts: SafariParts) -> Self {
        let SafariParts {
            side,
            store,
            clock,
            events,
            stop,
            notifier,
            dispatcher,
            inbox,
            copywriter,
            deny_list,
            background,
            stopping,
        } = parts;
        let queue = SafariQueue::new(store.clone(), Arc::clone(&clock), events, QueueConfig::from(&config));
        let alerts = AlertOutbox::new(store.clone(), Arc::clone(&clock));
        let campaigns = Campaigns::new(store.clone(), Arc::clone(&clock), queue.clone(), alerts.clone());
        let campaigns = campaigns.with_copywriter(copywriter);
        let campaigns = match inbox {
            Some(inbox) => campaigns.with_inbox(inbox),
            None => campaigns,
        };
        let worker = WorkerParts {
            store,
            campaigns: Some(campaigns.clone()),
            queue: queue.clone(),
            dispatcher: Arc::clone(&dispatcher),
            clock,
            stop,
            alerts: alerts.clone(),
        };
        let settings = WorkerConfig::new(format!("everreach-{}", Id::new()), &config);
        let settings = match &deny_list {
            Some(file) => settings.with_deny_list(Arc::clone(file)),
            None => settings,
        };
        let worker = SafariWorker::new(worker, settings);
        let (config, work) = (Arc::new(config), TaskTracker::new());
        Self { queue, dispatcher, config, worker, campaigns, alerts, notifier, deny_list, work, background, stopping, side }
    }

    /// The queue.
    #[must_use]
    pub const fn queue(&self) -> &SafariQueue {
        &self.queue
    }

    /// What carries commands out.
    #[must_use]
    pub const fn dispatcher(&self) -> &Arc<dyn SafariDispatcher> {
        &self.dispatcher
    }

    /// The campaigns. Whoever works through the queue moves them on.
    #[must_use]
    pub const fn campaigns(&self) -> &Campaigns {
        &self.campaigns
    }

    /// The file of people who are never written to, when there is one.
    #[must_use]
    pub fn deny_list_file(&self) -> Option<&DenyListFile> {
        self.deny_list.as_deref()
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SafariConfig {
        &self.config
    }

    /// The conditions that the settings make, before anything was looked at.
    #[must_use]
    pub fn settings_only(&self) -> Conditions {
        self.config.conditions()
    }

    /// The conditions of the moment beside the database's, as the worker here has them: the settings, the stop switch, and what the
    /// services said, at most a minute ago, of their health and their limits. Within 5 s, even when all nine hang.
    ///
    /// # Errors
    /// The store's.
    pub async fn conditions(&self) -> Result<Conditions> {
        self.worker.services().glance().await;
        self.worker.conditions().await
    }

    /// How all nine services are, asked side by side unless that was done half a minute ago, in the order of [`Service::ALL`](crate::safari::Service::ALL). What was
    /// found is written down, and who went down is an alert.
    ///
    /// # Errors
    /// The store's.
    pub async fn health(&self) -> Result<Vec<ServiceHealth>> {
        let health = self.worker.services().look().await?;
        let safari = self.clone();
        self.background.spawn(async move { safari.send_alerts().await });
        Ok(health.into_values().collect())
    }

    /// Whether the queue may be worked through here: on a cloud terminal it never is, since only the local machine has the browser.
    ///
    /// # Errors
    /// [`RequiresLocal`](ErrorKind::RequiresLocal) on a cloud terminal.
    pub fn check_may_run(&self) -> Result<()> {
        match self.side {
            Side::Local => Ok(()),
            Side::Cloud => {
                let message = "a cloud terminal does not work through Safari's queue: run this on the local machine";
                Err(Error::new(ErrorKind::RequiresLocal, message))
            }
        }
    }

    /// Carries out what may go now, `max` commands at most, and sends the alerts that come of it. Once [`finish`](Self::finish) was
    /// called, nothing more is started. What was started goes on to its end when this is dropped.
    ///
    /// # Errors
    /// Those of [`check_may_run`](Self::check_may_run), or the store's.
    pub async fn run_once(&self, max: u32) -> Result<RunSummary> {
        self.check_may_run()?;
        let (worker, stopping) = (self.worker.clone(), self.stopping.clone());
        let run = self.work.spawn(async move { worker.run_once_until(max, &stopping).await });
        let summary = run
            .await
            .map_err(|source| Error::new(ErrorKind::Internal, "working through the queue broke off").with_source(source))??;
        self.send_alerts().await;
        Ok(summary)
    }

    /// The daemon: carries out what may go as soon as it may, looking every `interval`, and sends alerts, until
    /// [`finish`](Self::finish) or the runtime's end. With `max`, so many commands at most in each interval, one after the other. Where
    /// [`check_may_run`](Self::check_may_run) fails it says so in the log and ends at once.
    pub async fn run(&self, interval: Duration, max: Option<u32>) -> RunSummary {
        self.run_until(interval, max, std::future::pending()).await
    }

    /// The daemon, until `stopped` ends too: then it starts nothing more, and returns when what runs has ended.
    pub async fn run_until(&self, interval: Duration, max: Option<u32>, stopped: impl Future<Output = ()> + Send) -> RunSummary {
        if let Err(error) = self.check_may_run() {
            tracing::error!(%error, "Safari's queue is not worked through");
            return RunSummary::default();
        }
        let stopping = self.stopping.child_token();
        let work = async {
            match max {
                None => self.worker.run(interval, stopping.clone()).await,
                Some(max) => self.run_some(interval, max, &stopping).await,
            }
        };
        let alerts = self.alerts.run(&*self.notifier, interval, stopping.clone());
        let run = async {
            let (summary, ()) = tokio::join!(work, alerts);
            self.send_alerts().await;
            summary
        };
        let mut run = self.work.track_future(Box::pin(run));
        tokio::select! {
            summary = &mut run => return summary,
            () = stopped => stopping.cancel(),
        }
        run.await
    }

    async fn run_some(&self, interval: Duration, max: u32, stopping: &CancellationToken) -> RunSummary {
        let mut total = RunSummary::default();
        while !stopping.is_cancelled() {
            let mut left = max;
            while left > 0 && !stopping.is_cancelled() {
                match self.worker.run_once_until(1, stopping).await {
                    Ok(RunSummary { executed: 0, .. }) => break,
                    Ok(summary) => add(&mut total, summary),
                    Err(error) => {
                        tracing::warn!(%error, "the queue cannot be worked through; it is tried again");
                        break;
                    }
                }
                left -= 1;
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
        total
    }

    /// Lets rounds and the daemon start nothing more, and waits until all that was started has ended: a request that has left is not cut off.
    pub async fn finish(&self) {
        self.stopping.cancel();
        self.work.close();
        self.work.wait().await;
    }

    /// Sends alerts that are due. One that cannot be sent stays in the outbox.
    async fn send_alerts(&self) {
        if let Err(error) = self.alerts.send_due(&*self.notifier).await {
            tracing::warn!(%error, "alerts cannot be read");
        }
    }
}

const fn add(total: &mut RunSummary, more: RunSummary) {
    total.executed += more.executed;
    total.completed += more.completed;
    total.failed += more.failed;
    total.unknown += more.unknown;
    total.rescheduled += more.rescheduled;
}
