//! The handle: recording changes, reading documents, and the keys that nothing leaves without.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::store::Author;
use super::{
    CloudPeer, Conflict, Document, Exchange, SealingKeys, StateChange, StateConfig, StateKey, StateKind, StateStatus, StateView,
    local, may_leave, store,
};
use crate::events::EventLog;
use crate::retry::RetryPolicy;
use crate::store::{Db, Store};
use crate::{Error, ErrorKind, Id, Result, SharedClock, Side, Timestamp};

const NO_KEY: &str = "SYNC_ENCRYPTION_KEY is not set, and state is never exchanged in clear: set the same key on both sides";
const NO_CLOUD: &str = "there is no cloud to exchange state with: set CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY";

/// What state sync works with.
#[derive(Debug)]
#[non_exhaustive]
pub struct StateSyncParts {
    /// This side's database.
    pub store: Store,
    /// The time.
    pub clock: SharedClock,
    /// Where conflicts and refusals are told.
    pub events: EventLog,
    /// The settings.
    pub config: StateConfig,
    /// Which side this is.
    pub side: Side,
    /// Where the cloud takes state and gives it; none on the cloud itself.
    pub cloud: Option<CloudPeer>,
    /// The waits between tries of one request.
    pub retry_policy: RetryPolicy,
}

impl StateSyncParts {
    /// The parts of a local side without a cloud, and with the usual settings; set the fields that differ.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, events: EventLog) -> Self {
        let (config, retry_policy) = (StateConfig::default(), RetryPolicy::default());
        Self { store, clock, events, config, side: Side::Local, cloud: None, retry_policy }
    }
}

/// A cheap-to-clone handle on the state that both sides share.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::sync::state::{StateChange, StateKind, StateSync, StateSyncParts};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// let state = StateSync::open(StateSyncParts::new(store.clone(), SystemClock::shared(), events)).await?;
/// let change = StateChange::new(StateKind::Pipeline, "deals".parse()?, serde_json::json!({"open": 3}));
/// let recorder = state.clone();
/// store.write(move |mut db| Box::pin(async move { recorder.record(&mut db, &change).await })).await?;
/// let deals = state.get(StateKind::Pipeline, &"deals".parse()?).await?.expect("it was recorded");
/// assert!(deals.is_pending);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct StateSync {
    pub(super) parts: Arc<StateSyncInner>,
}

#[derive(Debug)]
pub(super) struct StateSyncInner {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    pub(super) config: StateConfig,
    pub(super) author: Author,
    pub(super) keys: Option<SealingKeys>,
    pub(super) cloud: Option<CloudPeer>,
    pub(super) retry_policy: RetryPolicy,
    /// One exchange with the cloud at a time in this process; a pull notices those of others.
    pub(super) exchange: Mutex<()>,
}

/// What came of recording a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recorded {
    /// The document has a new version with this id.
    Version(Id),
    /// It said the same already.
    Unchanged,
}

impl StateSync {
    /// Reads the key and this database's name among those that exchange state.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for settings that [`StateConfig::validate`] refuses; or the store's.
    pub async fn open(parts: StateSyncParts) -> Result<Self> {
        parts.config.validate()?;
        let keys = parts.config.keys()?;
        let mut connection = parts.store.read().await?;
        let node = store::node(&mut connection.db()).await?.node;
        drop(connection);
        let StateSyncParts { store, clock, events, config, side, cloud, retry_policy } = parts;
        let author = Author { node, side };
        let exchange = Mutex::new(());
        let inner = StateSyncInner { store, clock, events, config, author, keys, cloud, retry_policy, exchange };
        Ok(Self { parts: Arc::new(inner) })
    }

    /// Records a change in the caller's own transaction: both are kept, or neither. On the local side it waits for the cloud, in place of
    /// an earlier change of the same document that still waits.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what never leaves this side; [`ErrorKind::StoreUnavailable`] when
    /// [`StateConfig::max_pending`] documents wait already: nothing of the change is kept then. Or the store's.
    pub async fn record(&self, db: &mut Db<'_>, change: &StateChange) -> Result<Recorded> {
        let parts = &self.parts;
        may_leave(&change.payload)
            .map_err(|error| error.with("kind", change.kind).with("key", &change.key).with_operation("record shared state"))?;
        let is_local = parts.author.side == Side::Local;
        if is_local && local::count_others(db, change.kind, &change.key).await? >= i64::from(parts.config.max_pending) {
            let sentence = "too many documents wait to be pushed: bring the cloud back, or look at their errors (`sync status`)";
            return Err(Error::new(ErrorKind::StoreUnavailable, sentence)
                .with_operation("record shared state")
                .with("waiting", parts.config.max_pending));
        }
        let (id, now) = (Id::new(), parts.clock.now());
        let Some((number, base)) = store::make(db, change, id, &parts.author, now).await? else {
            return Ok(Recorded::Unchanged);
        };
        if is_local {
            local::queue(db, &self.document(change, id, number, base, now)).await?;
        } else {
            // In a database that both sides share, what the local side had waiting has been replaced.
            local::take_out(db, change.kind, &change.key).await?;
        }
        Ok(Recorded::Version(id))
    }

    fn document(&self, change: &StateChange, id: Id, number: i64, base: Option<Id>, now: Timestamp) -> Document {
        let Author { node, side } = self.parts.author.clone();
        let StateChange { kind, key, payload } = change.clone();
        Document { kind, key, id, number, base, node, side, payload, updated_at: now }
    }

    /// The document as this side knows it, also while the cloud cannot be reached.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, kind: StateKind, key: &StateKey) -> Result<Option<StateView>> {
        let mut connection = self.parts.store.read().await?;
        let mut db = connection.db();
        let Some(kept) = store::find(&mut db, kind, key).await? else { return Ok(None) };
        let as_of = store::node(&mut db).await?.pulled_at;
        let waiting = local::find(&mut db, &self.parts.author, kind, key).await?;
        Ok(Some(view(kept, waiting.as_ref(), as_of.map(Timestamp::from))))
    }

    /// The documents of a kind, by key, as this side knows them.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, kind: StateKind, limit: u32) -> Result<Vec<StateView>> {
        let mut connection = self.parts.store.read().await?;
        let mut db = connection.db();
        let as_of = store::node(&mut db).await?.pulled_at;
        let mut views = Vec::new();
        for kept in store::list(&mut db, kind, limit).await? {
            let waiting = local::find(&mut db, &self.parts.author, kind, &kept.document.key).await?;
            views.push(view(kept, waiting.as_ref(), as_of.map(Timestamp::from)));
        }
        Ok(views)
    }

    /// Documents that both sides changed without knowing of each other, latest first, with both versions.
    ///
    /// # Errors
    /// The store's.
    pub async fn conflicts(&self, limit: u32) -> Result<Vec<Conflict>> {
        let mut connection = self.parts.store.read().await?;
        store::conflicts(&mut connection.db(), limit).await
    }

    /// Removes conflicts noticed before this; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self, before: Timestamp) -> Result<u64> {
        let store = &self.parts.store;
        store.write(move |mut db| Box::pin(async move { store::prune_conflicts(&mut db, before).await })).await
    }

    /// How the exchange stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn status(&self) -> Result<StateStatus> {
        let mut connection = self.parts.store.read().await?;
        let mut db = connection.db();
        let node = store::node(&mut db).await?;
        let waiting = local::pending(&mut db).await?;
        let conflicts = store::count_conflicts(&mut db).await?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(StateStatus {
            side: self.parts.author.side,
            is_sealed: self.parts.keys.is_some(),
            pending: count(waiting.pending),
            failing: count(waiting.failing),
            oldest_pending_at: waiting.oldest.map(Timestamp::from),
            error: local::an_error(&mut db).await?,
            pushed_at: node.pushed_at.map(Timestamp::from),
            pulled_at: node.pulled_at.map(Timestamp::from),
            conflicts: count(conflicts),
        })
    }

    /// Whether there is a key to seal payloads with.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.parts.keys.is_some()
    }

    /// Whether there is a cloud to exchange state with.
    #[must_use]
    pub fn has_cloud(&self) -> bool {
        self.parts.cloud.is_some()
    }

    /// Why nothing can be pushed or pulled from here; none where it can.
    #[must_use]
    pub fn idle_because(&self) -> Option<&'static str> {
        match (self.has_cloud(), self.is_sealed()) {
            (false, _) => Some(NO_CLOUD),
            (true, false) => Some(NO_KEY),
            (true, true) => None,
        }
    }

    /// When this process exchanges state.
    #[must_use]
    pub fn exchange(&self) -> Exchange {
        self.parts.config.exchange
    }

    /// Time between two rounds of pushing and pulling.
    #[must_use]
    pub fn interval(&self) -> std::time::Duration {
        self.parts.config.interval
    }

    pub(super) fn keys(&self) -> Result<&SealingKeys> {
        let missing = || Error::new(ErrorKind::Config, NO_KEY).with_operation("exchange state");
        self.parts.keys.as_ref().ok_or_else(missing)
    }

    /// The cloud, if state may be exchanged with it now.
    pub(super) fn cloud(&self) -> Result<&CloudPeer> {
        let missing = || Error::new(ErrorKind::Config, NO_CLOUD).with_operation("exchange state");
        let cloud = self.parts.cloud.as_ref().ok_or_else(missing)?;
        self.keys()?;
        cloud.check_online()?;
        Ok(cloud)
    }
}

fn view(kept: store::Kept, waiting: Option<&local::Waiting>, as_of: Option<Timestamp>) -> StateView {
    let Document { kind, key, payload, side, updated_at, .. } = kept.document;
    StateView { kind, key, payload, side, updated_at, received_at: kept.received_at, is_pending: waiting.is_some(), as_of }
}
