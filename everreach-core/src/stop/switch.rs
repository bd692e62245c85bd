//! The handle on the stop switch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{file, store};
use crate::events::{self, EventLog};
use crate::store::Store;
use crate::{Error, ErrorKind, Event, Result, SharedClock, Timestamp};

const FILE: &str = "STOP";
const LOOK_EVERY: Duration = Duration::from_millis(250);
const MAX_REASON: usize = 500;

/// Whether everything outward is stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StopState {
    /// Whether it is.
    pub stopped: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, if somebody said.
    pub reason: Option<String>,
}

/// A cheap-to-clone handle on the stop switch.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::stop::StopSwitch;
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// # let data_dir = std::env::temp_dir().join("everreach-stop-example");
/// let switch = StopSwitch::new(store, SystemClock::shared(), events, data_dir);
/// switch.stop(Some("maintenance")).await?;
/// assert!(switch.check_now().await?.stopped);
/// switch.resume().await?;
/// assert!(!switch.is_stopped());
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct StopSwitch {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: SharedClock,
    events: EventLog,
    file: PathBuf,
    seen: ArcSwap<StopState>,
    /// Held while the state is read and then shown, so that an older look never hides a newer one.
    look: Mutex<()>,
}

impl StopSwitch {
    /// The switch of this database and data directory. Nothing is read yet: until [`StopSwitch::watch`] runs, ask
    /// [`StopSwitch::check_now`].
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, events: EventLog, data_dir: PathBuf) -> Self {
        let mut file = data_dir;
        file.push(FILE);
        Self { inner: Arc::new(Inner { store, clock, events, file, seen: ArcSwap::default(), look: Mutex::new(()) }) }
    }

    /// Stops everything outward. If it is stopped already, the first reason stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn stop(&self, reason: Option<&str>) -> Result<StopState> {
        let _looking = self.inner.look.lock().await;
        let (reason, now) = (reason.and_then(clean_reason), self.inner.clock.now());
        self.inner
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    if store::stop(&mut db, reason.as_deref(), now).await? {
                        let event =
                            Event::new(now, "stop.set", "stop").with_data(serde_json::json!({"by": "command", "reason": reason}));
                        events::append(&mut db, &event).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.inner.events.announce();
        self.show().await
    }

    /// Lets things go on.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while the file `STOP` is there: whoever put it there removes it. Nothing is changed then.
    /// Or the store's.
    pub async fn resume(&self) -> Result<StopState> {
        let _looking = self.inner.look.lock().await;
        if self.look_for_file().await?.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "a file keeps everything stopped: remove it, then resume")
                .with_operation("resume")
                .with("file", self.inner.file.display()));
        }
        let now = self.inner.clock.now();
        self.inner
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    if store::resume(&mut db).await? {
                        events::append(&mut db, &Event::new(now, "stop.cleared", "stop")).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.inner.events.announce();
        self.show().await
    }

    /// The state, read afresh from the file and the database. Ask it before every outward action.
    ///
    /// # Errors
    /// The store's, when the database cannot be read and no file stops: whether it is safe to act is then unknown, so do not.
    pub async fn check_now(&self) -> Result<StopState> {
        let state = self.read().await?;
        // Whoever is refused because of this asks the view why. A stop that is lifted meanwhile shows until the next look.
        if state.stopped && *self.inner.seen.load_full() != state {
            self.inner.seen.store(Arc::new(state.clone()));
        }
        Ok(state)
    }

    async fn read(&self) -> Result<StopState> {
        let in_database = async {
            let mut connection = self.inner.store.read().await?;
            store::read(&mut connection.db()).await
        };
        // Side by side: each is a way to another thread and back.
        let (by_file, in_database) = tokio::join!(self.look_for_file(), in_database);
        by_file?.map_or(in_database, Ok)
    }

    /// The same as [`StopSwitch::check_now`], for showing.
    ///
    /// # Errors
    /// As [`StopSwitch::check_now`].
    pub async fn state(&self) -> Result<StopState> {
        self.check_now().await
    }

    /// Whether the last look found it stopped. Never waits.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.inner.seen.load().stopped
    }

    /// What the last look found. Never waits.
    #[must_use]
    pub fn current(&self) -> StopState {
        StopState::clone(&self.inner.seen.load())
    }

    /// Looks four times a second until told to end. While the database cannot be read, what was seen last stays.
    pub async fn watch(&self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut could_read, mut had_file) = (true, false);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let has_file = self.look_for_file().await.is_ok_and(|file| file.is_some());
            if has_file != had_file {
                had_file = has_file;
                self.note_file(has_file);
            }
            let looked = self.look().await;
            if let Err(error) = &looked
                && could_read
            {
                tracing::warn!(%error, "the stop switch cannot be read: outward actions are refused until it can");
            }
            could_read = looked.is_ok();
        }
    }

    /// Looks once, as [`StopSwitch::watch`] does all the time.
    ///
    /// # Errors
    /// As [`StopSwitch::check_now`].
    pub async fn look(&self) -> Result<StopState> {
        let _looking = self.inner.look.lock().await;
        self.show().await
    }

    async fn show(&self) -> Result<StopState> {
        let state = self.read().await?;
        self.inner.seen.store(Arc::new(state.clone()));
        Ok(state)
    }

    /// The row's changes are events of whoever made them; a file has nobody to tell of it.
    fn note_file(&self, is_there: bool) {
        let kind = if is_there { "stop.set" } else { "stop.cleared" };
        let data = serde_json::json!({"by": "file", "file": self.inner.file.display().to_string()});
        tracing::warn!(file = %self.inner.file.display(), is_there, "the file of the stop switch came or went");
        self.inner.events.record(Event::new(self.inner.clock.now(), kind, "stop").with_data(data));
    }

    async fn look_for_file(&self) -> Result<Option<StopState>> {
        let path = self.inner.file.clone();
        let looked = tokio::task::spawn_blocking(move || file::look(&path)).await;
        looked.map_err(|source| {
            Error::new(ErrorKind::Internal, "the file of the stop switch could not be looked for").with_source(source)
        })
    }
}

/// One line without control characters; `None` when nothing is left.
pub(super) fn clean_reason(text: &str) -> Option<String> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
