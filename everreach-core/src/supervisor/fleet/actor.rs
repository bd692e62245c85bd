//! The task that looks after all agents: its state, its messages, and its loop.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::agent::Agent;
use super::config::SupervisorConfig;
use super::journal::{Journal, Note};
use super::owner::{Looked, Owner};
use super::requests::Request;
use super::state_lock::StateLock;
use crate::stop::StopSwitch;
use crate::supervisor::agent::AgentId;
use crate::supervisor::diagnosis::{End, HostReading};
use crate::supervisor::health::{HealthResult, HttpProbe};
use crate::supervisor::launcher::{AgentProcess, Incarnation, ProcessLauncher, StartError, Stopped};
use crate::supervisor::lifecycle::{Hold, StartThrottle};
use crate::{Event, SharedClock, Timestamp};

/// How many messages wait at most.
pub(super) const QUEUE: usize = 4_096;
/// No wait is shorter than this, so that nothing can make the loop spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What the task is told.
pub(super) enum Message {
    Request(Request),
    /// A process was made, or could not be.
    Spawned(AgentId, Incarnation, Result<Arc<dyn AgentProcess>, StartError>),
    /// The stop switch is set: no process was made.
    NotNow(AgentId, Incarnation),
    /// A process ended; the end of what it wrote.
    Ended(AgentId, Incarnation, End, String),
    /// A process was brought to its end.
    Stopped(AgentId, Incarnation, Stopped),
    /// An agent was looked at; which run of it, where it has one.
    Probed(AgentId, Option<Incarnation>, HealthResult),
    /// The registry was read, by a look that began at this time.
    Looked(Duration, crate::Result<Looked>),
    /// Memory by run, the machine, and its count of processes ended for want of memory.
    Measured(HashMap<Incarnation, u64>, HostReading, Option<u64>),
}

/// The state of the task.
pub(super) struct Actor {
    pub(super) config: SupervisorConfig,
    pub(super) clock: SharedClock,
    pub(super) launcher: Arc<dyn ProcessLauncher>,
    pub(super) probe: HttpProbe,
    pub(super) journal: Journal,
    pub(super) stop: Option<StopSwitch>,
    pub(super) owner: Arc<Owner>,
    pub(super) agents: BTreeMap<AgentId, Agent>,
    pub(super) hold: Hold,
    pub(super) throttle: StartThrottle,
    pub(super) host: HostReading,
    pub(super) oom_kills: Option<u64>,
    pub(super) messages: mpsc::WeakSender<Message>,
    pub(super) next_look: Duration,
    pub(super) is_looking: bool,
    pub(super) next_measure: Duration,
    pub(super) is_measuring: bool,
    /// When the loop was to come round at the latest.
    pub(super) expected: Duration,
    /// Nothing is started any more.
    pub(super) is_leaving: bool,
    pub(super) _lock: StateLock,
}

impl Actor {
    /// Looks after the agents until every handle is gone or somebody says that it is over.
    pub(super) async fn run(mut self, mut received: mpsc::Receiver<Message>) {
        loop {
            let wait = self.turn();
            tokio::select! {
                message = received.recv() => match message {
                    Some(message) => self.receive(message),
                    None => return,
                },
                () = tokio::time::sleep(wait.max(SHORTEST_WAIT)) => {}
            }
            // What came meanwhile belongs to the same turn.
            for _ in 0..QUEUE {
                match received.try_recv() {
                    Ok(message) => self.receive(message),
                    Err(_) => break,
                }
            }
            if self.is_leaving && self.agents.values().all(|agent| agent.process.is_none() && agent.incarnation.is_none()) {
                self.turn();
                return;
            }
        }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.request(request),
            Message::Spawned(id, incarnation, outcome) => self.spawned(&id, &incarnation, outcome),
            Message::NotNow(id, incarnation) => self.not_now(&id, &incarnation),
            Message::Ended(id, incarnation, end, tail) => self.ended(&id, &incarnation, end, &tail),
            Message::Stopped(id, incarnation, stopped) => self.stopped(&id, &incarnation, stopped),
            Message::Probed(id, incarnation, result) => self.probed(&id, incarnation.as_ref(), result),
            Message::Looked(begun, looked) => self.looked(begun, looked),
            Message::Measured(memory, host, oom_kills) => self.measured(&memory, host, oom_kills),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes an event down.
    pub(super) fn tell(&self, kind: &'static str, id: &AgentId, data: serde_json::Value) {
        self.journal.note(Note::Event(Event::new(self.wall(), kind, id.as_str()).with_data(data)));
    }

    /// Runs something beside the loop and tells the loop what comes of it.
    pub(super) fn beside<F>(&self, work: F)
    where
        F: Future<Output = Message> + Send + 'static,
    {
        // Held only while it is sent: whoever waits for the end of a process must not keep the loop alive.
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let message = work.await;
            if let Some(messages) = messages.upgrade() {
                let _nobody_looks_after_them_any_more = messages.send(message).await;
            }
        });
    }
}

/// A number from 0 to 1.
pub(super) fn random() -> f64 {
    rand::random()
}
