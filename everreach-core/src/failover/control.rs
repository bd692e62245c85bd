//! The handle on the failover: what the rest of the process asks, and what people order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{
    ConnectivityView, FailoverConfig, FailoverState, GrantAnswer, GrantBook, Handover, ModeSource, Notice, OwnNetwork, Phase,
    Place, TwoNodeMode, identity,
};
use crate::lease::{Leadership, LeadershipSetter, Leases, Standing};
use crate::store::Store;
use crate::{Error, ErrorKind, Id, Result, SharedClock, Timestamp};

/// The lease that decides who fires jobs and works through the queue.
pub(super) const RESOURCE: &str = "leader";
/// How long the database may take to say who leads.
const PATIENCE: Duration = Duration::from_secs(2);
/// Notices that a slow listener may be behind.
const NOTICES: usize = 64;
/// Orders of people that may wait.
pub(super) const COMMANDS: usize = 8;

/// What a person orders.
#[derive(Debug)]
pub(super) enum Command {
    TakeOver(oneshot::Sender<Result<()>>),
    StandDown(oneshot::Sender<Result<()>>),
}

/// What the loop shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) mode: Option<TwoNodeMode>,
    pub(super) mode_from: Option<ModeSource>,
    pub(super) phase: Option<Phase>,
    pub(super) since: Timestamp,
    pub(super) own_network: OwnNetwork,
}

/// A cheap-to-clone handle on the failover of a process.
#[derive(Clone)]
pub struct FailoverControl {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    instance: Id,
    database: Id,
    clock: SharedClock,
    view: ConnectivityView,
    leases: Leases,
    leadership: Leadership,
    setter: Option<LeadershipSetter>,
    shown: Mutex<Shown>,
    commands: Mutex<Option<mpsc::Sender<Command>>>,
    handovers: Mutex<BTreeMap<String, Arc<dyn Handover>>>,
    notices: broadcast::Sender<Notice>,
    is_well: watch::Sender<bool>,
    /// On a cloud that acts by grants.
    grants: Mutex<Option<GrantBook>>,
}

impl std::fmt::Debug for FailoverControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FailoverControl").field("place", &self.inner.place).field("shown", &*self.shown()).finish_non_exhaustive()
    }
}

impl FailoverControl {
    /// The handle for this place; reads the name of the database, and gives it one when it has none.
    pub(crate) async fn new(
        place: Place,
        config: &FailoverConfig,
        store: &Store,
        clock: &SharedClock,
        view: ConnectivityView,
    ) -> Result<Self> {
        let (setter, leadership) = match place {
            Place::Alone => (None, Leadership::alone(Arc::clone(clock))),
            Place::Local | Place::Cloud => {
                let (setter, leadership) = Leadership::followed(Arc::clone(clock));
                (Some(setter), leadership)
            }
        };
        let shown = Shown { mode: None, mode_from: None, phase: None, since: clock.now(), own_network: OwnNetwork::NotChecked };
        let inner = Inner {
            place,
            instance: Id::new(),
            database: identity::of_database(store, clock).await?,
            clock: Arc::clone(clock),
            view,
            leases: Leases::new(store.clone(), Arc::clone(clock), config.lease),
            leadership,
            setter,
            shown: Mutex::new(shown),
            commands: Mutex::default(),
            handovers: Mutex::default(),
            notices: broadcast::channel(NOTICES).0,
            is_well: watch::Sender::new(false),
            grants: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which place this process has.
    #[must_use]
    pub fn place(&self) -> Place {
        self.inner.place
    }

    /// The id of this process: a new one in each run.
    #[must_use]
    pub fn instance(&self) -> Id {
        self.inner.instance
    }

    /// The id of its database: two sides that show the same one share it.
    #[must_use]
    pub fn database(&self) -> Id {
        self.inner.database
    }

    /// Whether this process may do what only one of them may do.
    #[must_use]
    pub fn leadership(&self) -> &Leadership {
        &self.inner.leadership
    }

    /// What happens from now on, for whoever passes it on.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.inner.notices.subscribe()
    }

    /// Whether looks have established that the cloud can be used.
    pub(crate) fn is_well(&self) -> watch::Receiver<bool> {
        self.inner.is_well.subscribe()
    }

    /// Waits for this before the work is handed over, and gives its note to whoever leads next. A name that is taken is replaced.
    pub fn hand_over_with(&self, name: impl Into<String>, handover: Arc<dyn Handover>) {
        lock(&self.inner.handovers).insert(name.into(), handover);
    }

    /// A person says that the cloud is down for certain, and that this side is to do its work.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while the cloud counts as reachable, when this side works already, or when this process watches no cloud;
    /// [`ErrorKind::InvalidInput`] where the lease in the shared database decides.
    pub async fn take_over(&self) -> Result<()> {
        self.order("take over", Command::TakeOver).await
    }

    /// A person says that this side is to hand the work back now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when this side does not do it.
    pub async fn stand_down(&self) -> Result<()> {
        self.order("stand down", Command::StandDown).await
    }

    async fn order(&self, operation: &'static str, command: fn(oneshot::Sender<Result<()>>) -> Command) -> Result<()> {
        let nobody = || {
            let sentence =
                "this process takes no part in the failover: ask the server of the local side (and not under OFFLINE_MODE)";
            Error::new(ErrorKind::Conflict, sentence).with_operation(operation)
        };
        let commands = lock(&self.inner.commands).clone().ok_or_else(nobody)?;
        let (answer, said) = oneshot::channel();
        commands.send(command(answer)).await.map_err(|_| nobody())?;
        said.await.map_err(|_| nobody())?
    }

    /// The cloud's answer to a grant of the local side, which names the challenge of the answer before; none asks for a challenge.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] on a process that does not act by grants.
    pub fn grant(&self, challenge: Option<Id>) -> Result<GrantAnswer> {
        let at = self.inner.clock.monotonic();
        let mut grants = lock(&self.inner.grants);
        let Some(book) = grants.as_mut() else {
            let sentence = "this process does not act by grants: set FAILOVER_MODE=local_grants on the cloud terminal too";
            return Err(Error::new(ErrorKind::Conflict, sentence).with_operation("take a grant"));
        };
        let accepted = challenge.is_some_and(|challenge| book.accept(challenge, at));
        if let Some(until) = book.act_until().filter(|_| accepted) {
            self.stand(Standing::Granted(until));
        }
        Ok(GrantAnswer { accepted, challenge: book.challenge(at) })
    }

    /// Where the failover stands.
    pub async fn state(&self) -> FailoverState {
        let lease = match tokio::time::timeout(PATIENCE, self.inner.leases.look(RESOURCE)).await {
            Ok(Ok(lease)) => lease,
            Ok(Err(error)) => {
                tracing::warn!(%error, "who leads cannot be read");
                None
            }
            Err(_) => None,
        };
        let (shown, authority, cloud) = (*self.shown(), self.inner.leadership.authority(), self.inner.view.state());
        FailoverState {
            place: self.inner.place,
            instance: self.inner.instance,
            leads: authority.is_some(),
            epoch: authority.and_then(|authority| authority.epoch()),
            mode: shown.mode,
            mode_from: shown.mode_from,
            phase: shown.phase,
            since: shown.since,
            offline_mode: cloud.offline_mode,
            cloud_failed: cloud.cloud_failed,
            own_network: shown.own_network,
            lease,
        }
    }

    /// Whether this process does the work now.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.inner.leadership.authority().is_some()
    }

    pub(super) fn leases(&self) -> &Leases {
        &self.inner.leases
    }

    pub(super) fn stand(&self, standing: Standing) {
        if let Some(setter) = &self.inner.setter {
            setter.set(standing);
        }
    }

    pub(super) fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.inner.shown)
    }

    /// From now on people's orders come here.
    pub(super) fn listen(&self) -> mpsc::Receiver<Command> {
        let (sender, commands) = mpsc::channel(COMMANDS);
        *lock(&self.inner.commands) = Some(sender);
        commands
    }

    /// From now on it acts by grants.
    pub(super) fn act_by_grants(&self) {
        *lock(&self.inner.grants) = Some(GrantBook::default());
    }

    pub(super) fn show_well(&self, is_well: bool) {
        self.inner.is_well.send_if_modified(|shown| std::mem::replace(shown, is_well) != is_well);
    }

    pub(super) fn announce(&self, notice: Notice) {
        // Nobody has to listen.
        let _listeners = self.inner.notices.send(notice);
    }

    /// Waits until nothing runs any more that was begun under the leadership.
    pub(super) async fn drained(&self) {
        for handover in self.handovers().values() {
            handover.drained().await;
        }
    }

    /// What whoever leads next is to know, by the name of who says it.
    pub(super) async fn note(&self) -> Option<Value> {
        let mut notes = Map::new();
        for (name, handover) in self.handovers() {
            if let Some(note) = handover.note().await {
                notes.insert(name, note);
            }
        }
        (!notes.is_empty()).then_some(Value::Object(notes))
    }

    /// Tells everything that works that it may.
    pub(super) async fn begin(&self, note: Option<Value>) {
        for (name, handover) in self.handovers() {
            handover.begin(note.as_ref().and_then(|note| note.get(&name).cloned())).await;
        }
    }

    fn handovers(&self) -> BTreeMap<String, Arc<dyn Handover>> {
        lock(&self.inner.handovers).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
