//! The handle on a supervisor.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::actor::Message;
use super::journal::Journal;
use super::owner::Owner;
use super::requests::Request;
use super::view::{AgentView, HealthView};
use crate::supervisor::agent::{AgentId, Tag};
use crate::supervisor::health::HealthResult;
use crate::supervisor::launcher::{Incarnation, Stopped};
use crate::supervisor::lifecycle::Wanted;
use crate::supervisor::registry::AgentRegistry;
use crate::supervisor::routing::{Chosen, NoAgent, TaskRequest};
use crate::{Error, ErrorKind, Result, SharedClock};

/// How long a start is waited for.
const START: Duration = Duration::from_secs(30);
/// How long the agents may take to end: the longest time that one can be given, and some to be killed in.
const LAST_STOP: Duration = Duration::from_secs(320);
/// How long the last notes may take to be written at the end.
const LAST_NOTES: Duration = Duration::from_secs(5);

/// A handle on the supervisor of a state directory; cheap to clone. The supervisor ends when the last of them is dropped, and leaves its
/// agents running for the next; [`Supervisor::shutdown`] says how it is to end.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::supervisor::{Departure, LauncherConfig, NativeLauncher, Supervisor, SupervisorConfig, SupervisorParts};
/// use std::sync::Arc;
/// # async fn run(folder: &std::path::Path) -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let clock = SystemClock::shared();
/// let state = folder.join("state");
/// let launcher = NativeLauncher::open(LauncherConfig::new(state.clone(), vec![folder.join("agents")]), clock.clone())?;
/// let supervisor = Supervisor::open(SupervisorParts {
///     config: SupervisorConfig::new(state),
///     launcher: Arc::new(launcher),
///     events: EventLog::start(store.clone()),
///     store,
///     clock,
///     stop: None,
/// })
/// .await?;
/// assert_eq!(supervisor.agents().await?.len(), 5);
/// supervisor.shutdown(Departure::StopAgents).await;
/// # Ok(()) }
/// # let folder = tempfile::tempdir().expect("a folder");
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run(folder.path())).expect("it works");
/// ```
#[derive(Clone)]
pub struct Supervisor {
    messages: mpsc::Sender<Message>,
    registry: AgentRegistry,
    owner: Arc<Owner>,
    journal: Journal,
    clock: SharedClock,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What becomes of the agents when a supervisor ends in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "they are stopped or they are not")]
pub enum Departure {
    /// They are stopped, each within its own time. The next supervisor starts those again that should run.
    StopAgents,
    /// They run on, and the next supervisor takes them over.
    LeaveAgents,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("instance", &self.owner.instance()).finish_non_exhaustive()
    }
}

impl Supervisor {
    pub(super) fn new(
        messages: mpsc::Sender<Message>,
        registry: AgentRegistry,
        owner: Arc<Owner>,
        journal: Journal,
        clock: SharedClock,
        task: JoinHandle<()>,
    ) -> Self {
        Self { messages, registry, owner, journal, clock, task: Arc::new(Mutex::new(Some(task))) }
    }

    /// The registered agents, as the database has them.
    #[must_use]
    pub const fn registry(&self) -> &AgentRegistry {
        &self.registry
    }

    /// What this supervisor is called, in every run.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.owner.instance()
    }

    /// Every agent that this supervisor looks after, by id.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it has ended.
    pub async fn agents(&self) -> Result<Vec<AgentView>> {
        self.ask(Request::List).await
    }

    /// One agent.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when this supervisor looks after none of this id.
    pub async fn agent(&self, id: &AgentId) -> Result<AgentView> {
        self.ask(|reply| Request::Show(id.clone(), reply)).await?
    }

    /// Starts an agent, and returns once its process is there. One that runs is left as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown agent or a program that is not there, [`ErrorKind::Forbidden`] for one that may not be run,
    /// [`ErrorKind::Conflict`] for one that is only looked at, [`ErrorKind::CircuitOpen`] while it rests, or the store's.
    pub async fn spawn(&self, id: &AgentId) -> Result<AgentView> {
        self.must_be_known(id).await?;
        self.registry.want(id, Wanted::Running).await?;
        in_time(id, self.ask(|reply| Request::Spawn(id.clone(), reply))).await?;
        self.agent(id).await
    }

    /// Starts every agent that has all of these tags; of each, what came of it.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the supervisor has ended.
    pub async fn spawn_all(&self, tags: &[Tag]) -> Result<Vec<(AgentId, Result<AgentView>)>> {
        let ids = self.ask(|reply| Request::Tagged(tags.to_vec(), reply)).await?;
        let spawned = ids.into_iter().map(|id| async move {
            let outcome = self.spawn(&id).await;
            (id, outcome)
        });
        Ok(futures_util::future::join_all(spawned).await)
    }

    /// Ends an agent and starts it again; returns once its new process is there.
    ///
    /// # Errors
    /// As [`Supervisor::spawn`].
    pub async fn restart(&self, id: &AgentId) -> Result<AgentView> {
        self.must_be_known(id).await?;
        self.registry.want(id, Wanted::Running).await?;
        in_time(id, self.ask(|reply| Request::Restart(id.clone(), reply))).await?;
        self.agent(id).await
    }

    /// Ends an agent, and all that it left behind; returns once that is done. A start that waits is cancelled. It does not wait for the
    /// database: that it is not wanted any more is written down as soon as it can be.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown agent, [`ErrorKind::Conflict`] for one that is only looked at.
    pub async fn terminate(&self, id: &AgentId) -> Result<Stopped> {
        let (ended, stopped) = oneshot::channel();
        self.ask(|reply| Request::Terminate(id.clone(), ended, reply)).await??;
        stopped.await.map_err(|_| over())
    }

    /// Holds nothing against an agent any more; one that rested is started at once.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown agent.
    pub async fn reset_circuit(&self, id: &AgentId) -> Result<()> {
        self.ask(|reply| Request::ResetCircuit(id.clone(), reply)).await?
    }

    /// Looks at an agent now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown agent, [`ErrorKind::Conflict`] for one without a health URL.
    pub async fn check(&self, id: &AgentId) -> Result<HealthResult> {
        self.ask(|reply| Request::Check(id.clone(), reply)).await?
    }

    /// Looks at every agent that has a health URL, all at the same time.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the supervisor has ended.
    pub async fn check_all(&self) -> Result<Vec<(AgentId, HealthResult)>> {
        let with_url = self.agents().await?.into_iter().filter(|agent| agent.health_url.is_some());
        let looks = with_url.map(|agent| async move {
            let result = self.check(&agent.agent_id).await;
            result.ok().map(|result| (agent.agent_id, result))
        });
        Ok(futures_util::future::join_all(looks).await.into_iter().flatten().collect())
    }

    /// The health of one agent, as it is known.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown agent.
    pub async fn health(&self, id: &AgentId) -> Result<HealthView> {
        self.ask(|reply| Request::Health(id.clone(), reply)).await?
    }

    /// The health of every agent, as it is known.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the supervisor has ended.
    pub async fn report(&self) -> Result<Vec<HealthView>> {
        self.ask(Request::HealthOfAll).await
    }

    /// A heartbeat of an agent. An agent that sends one is expected to go on.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] from a run that is over, [`ErrorKind::NotFound`] for an unknown agent.
    pub async fn heartbeat(&self, id: &AgentId, incarnation: &Incarnation) -> Result<()> {
        self.ask(|reply| Request::Beat(id.clone(), incarnation.clone(), reply)).await?
    }

    /// Who gets a task. Say with [`Supervisor::task_done`] what became of it.
    ///
    /// # Errors
    /// [`NoAgent`] inside, with each agent that could do it and why it does not; [`ErrorKind::Internal`] when the supervisor has ended.
    pub async fn route(&self, task: TaskRequest) -> Result<Result<Chosen, NoAgent>> {
        self.ask(|reply| Request::Route(task, reply)).await
    }

    /// A task that was routed to an agent ended: well after this long, or badly (`None`).
    pub async fn task_done(&self, id: &AgentId, took: Option<Duration>) {
        let _over = self.messages.send(Message::Request(Request::Done(id.clone(), took))).await;
    }

    /// Reads the registry at the next turn rather than within a second.
    pub async fn look_now(&self) {
        let _over = self.messages.send(Message::Request(Request::Look)).await;
    }

    /// Ends the supervisor in good order, and gives what it had back for others to take.
    pub async fn shutdown(&self, departure: Departure) {
        let ids: Vec<AgentId> = self.agents().await.unwrap_or_default().into_iter().map(|agent| agent.agent_id).collect();
        let request = if departure == Departure::StopAgents { Request::Leave } else { Request::Detach };
        let _over = self.messages.send(Message::Request(request)).await;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let ended = tokio::time::timeout(LAST_STOP, task).await;
            if ended.is_err() {
                tracing::warn!("an agent does not end: the supervisor leaves it");
            }
        }
        if !self.journal.flush(LAST_NOTES).await {
            tracing::warn!("not all that happened to agents could be written down");
        }
        if departure == Departure::StopAgents
            && let Err(error) = self.owner.release(ids).await
        {
            tracing::warn!(%error, "the agents could not be given back; others may take them once the lease has run out");
        }
    }

    /// Waits until all that happened so far is written down, at most for so long; says whether it is.
    pub async fn flush(&self, patience: Duration) -> bool {
        self.journal.flush(patience).await
    }

    /// The time by which everything here is reckoned.
    #[must_use]
    pub const fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// An agent that was registered a moment ago may not have been read yet.
    async fn must_be_known(&self, id: &AgentId) -> Result<()> {
        let begun = self.clock.monotonic();
        loop {
            match self.agent(id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let waited = self.clock.monotonic().saturating_sub(begun);
                    if waited > Duration::from_secs(3) || self.registry.agent(id).await?.is_none() {
                        return Err(error);
                    }
                    self.look_now().await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                known => return known.map(drop),
            }
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Request(request(reply))).await.map_err(|_| over())?;
        answer.await.map_err(|_| over())
    }
}

/// A start may have to wait for its turn, or for a cause to pass; whoever asked need not.
async fn in_time(id: &AgentId, started: impl Future<Output = Result<Result<()>>>) -> Result<()> {
    tokio::time::timeout(START, started).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Timeout,
            "it waits for its turn and is started then: see what it waits for in everreach agents show",
        )
        .with("agent_id", id))
    })?
}

fn over() -> Error {
    Error::new(ErrorKind::Internal, "the supervisor has ended")
}
