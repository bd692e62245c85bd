//! A dispatcher for tests: it plays a script, can be held, and writes down what reached it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use crate::safari::gate::Dispatchable;
use crate::safari::limits::Limit;
use crate::safari::{DispatchOutcome, HealthStatus, SafariDispatcher, Service, ServiceHealth};
use crate::{Error, ErrorKind, Result, Timestamp};

type Answers = Box<dyn FnMut(&Dispatchable) -> DispatchOutcome + Send>;

/// Plays outcomes in order, then says that all went well. Every service is healthy until told otherwise.
///
/// ```
/// use everreach_core::safari::gate::check;
/// use everreach_core::safari::{Command, DispatchOutcome, Reason, Repeat, SafariDispatcher, Verb};
/// use everreach_core::testing::ScriptedDispatcher;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let dispatcher = ScriptedDispatcher::new([DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab")]);
/// let score = check(&Command::new(Verb::Score, now)).expect("it may go");
/// assert_eq!(dispatcher.dispatch(&score).await.reason, Reason::NoTab);
/// assert_eq!(dispatcher.dispatch(&score).await.reason, Reason::Verified);
/// assert_eq!(dispatcher.seen().len(), 2);
/// # }
/// ```
pub struct ScriptedDispatcher {
    state: Mutex<Script>,
    gate: Option<Semaphore>,
    begun: watch::Sender<usize>,
}

#[derive(Default)]
struct Script {
    outcomes: VecDeque<DispatchOutcome>,
    answers: Option<Answers>,
    health: BTreeMap<Service, HealthStatus>,
    limits: BTreeMap<Service, Limit>,
    seen: Vec<Dispatchable>,
    looks: usize,
    running: usize,
    most: usize,
}

impl fmt::Debug for ScriptedDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedDispatcher").field("begun", &*self.begun.borrow()).finish_non_exhaustive()
    }
}

impl ScriptedDispatcher {
    /// Plays these.
    #[must_use]
    pub fn new(outcomes: impl IntoIterator<Item = DispatchOutcome>) -> Self {
        let state = Script { outcomes: outcomes.into_iter().collect(), ..Script::default() };
        Self { state: Mutex::new(state), gate: None, begun: watch::Sender::new(0) }
    }

    /// Answers by itself.
    ///
    /// ```
    /// use everreach_core::{safari::DispatchOutcome, testing::ScriptedDispatcher};
    /// let silent = ScriptedDispatcher::answering(|_| DispatchOutcome::sent("seen"));
    /// assert!(silent.seen().is_empty());
    /// ```
    #[must_use]
    pub fn answering(answers: impl FnMut(&Dispatchable) -> DispatchOutcome + Send + 'static) -> Self {
        let state = Script { answers: Some(Box::new(answers)), ..Script::default() };
        Self { state: Mutex::new(state), gate: None, begun: watch::Sender::new(0) }
    }

    /// Holds every command until [`release`](Self::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.gate = Some(Semaphore::new(0));
        self
    }

    /// Lets so many commands end.
    pub fn release(&self, commands: usize) {
        if let Some(gate) = &self.gate {
            gate.add_permits(commands);
        }
    }

    /// Waits until so many commands have begun in all.
    pub async fn begun(&self, commands: usize) {
        let mut begun = self.begun.subscribe();
        while *begun.borrow_and_update() < commands {
            if begun.changed().await.is_err() {
                return;
            }
        }
    }

    /// Says how a service is from now on.
    pub fn set_health(&self, service: Service, status: HealthStatus) {
        self.lock().health.insert(service, status);
    }

    /// Says what limits a service keeps from now on; with none it cannot be asked for them.
    pub fn set_limit(&self, service: Service, limit: Option<Limit>) {
        let mut state = self.lock();
        match limit {
            Some(limit) => state.limits.insert(service, limit),
            None => state.limits.remove(&service),
        };
    }

    /// What reached it, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Dispatchable> {
        self.lock().seen.clone()
    }

    /// How often a service was asked how it is.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.lock().looks
    }

    /// How many commands ran at the same time at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.lock().most
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SafariDispatcher for ScriptedDispatcher {
    async fn health(&self, service: Service) -> ServiceHealth {
        let mut state = self.lock();
        state.looks += 1;
        let status = state.health.get(&service).copied().unwrap_or(HealthStatus::Healthy);
        ServiceHealth::new(service, status, "as the script says", Timestamp::UNIX_EPOCH)
    }

    async fn limits(&self, service: Service) -> Result<Option<Limit>> {
        let limit = self.lock().limits.get(&service).copied();
        limit.map(Some).ok_or_else(|| Error::new(ErrorKind::Unreachable, "the script names no limits of this service"))
    }

    async fn dispatch(&self, command: &Dispatchable) -> DispatchOutcome {
        {
            let mut state = self.lock();
            state.seen.push(command.clone());
            state.running += 1;
            state.most = state.most.max(state.running);
        }
        self.begun.send_modify(|begun| *begun += 1);
        if let Some(gate) = &self.gate
            && let Ok(permit) = gate.acquire().await
        {
            permit.forget();
        }
        let mut state = self.lock();
        state.running -= 1;
        let answered = state.answers.as_mut().map(|answers| answers(command));
        answered.or_else(|| state.outcomes.pop_front()).unwrap_or_else(|| DispatchOutcome::sent("the script has ended"))
    }
}
