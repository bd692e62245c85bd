//! The beginning of a supervisor: its lock, and what earlier ones left running.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::actor::{Actor, QUEUE};
use super::agent::Agent;
use super::config::SupervisorConfig;
use super::journal::{Journal, Note};
use super::owner::Owner;
use super::state_lock::StateLock;
use super::supervisor::Supervisor;
use crate::events::EventLog;
use crate::lease::{LeaseTiming, Leases};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::supervisor::agent::{AgentId, DeathPolicy};
use crate::supervisor::circuit::AgentCircuit;
use crate::supervisor::diagnosis::{Diagnosis, HostReading, Reason};
use crate::supervisor::health::HttpProbe;
use crate::supervisor::launcher::{Adoption, ProcessLauncher, RunRecord};
use crate::supervisor::lifecycle::{Hold, StartThrottle, Wanted};
use crate::supervisor::registry::AgentRegistry;
use crate::{Result, SharedClock};

/// What a supervisor is lent.
#[allow(clippy::exhaustive_structs, reason = "built by naming every part")]
pub struct SupervisorParts {
    /// The settings.
    pub config: SupervisorConfig,
    /// What makes processes.
    pub launcher: Arc<dyn ProcessLauncher>,
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// The event log.
    pub events: EventLog,
    /// The stop switch: while it is set nothing is started.
    pub stop: Option<StopSwitch>,
}

impl fmt::Debug for SupervisorParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorParts").field("config", &self.config).field("launcher", &self.launcher).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Takes the state directory, takes over what runs, and looks after the agents from then on. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) while another supervisor has the directory, or the store's.
    pub async fn open(parts: SupervisorParts) -> Result<Self> {
        let SupervisorParts { config, launcher, store, clock, events, stop } = parts;
        let lock = StateLock::take(&config.state_dir)?;
        let registry = AgentRegistry::new(store.clone(), Arc::clone(&clock));
        let leases = Leases::new(store.clone(), Arc::clone(&clock), LeaseTiming::default());
        let owner = Arc::new(Owner::new(registry.clone(), leases, Arc::clone(&clock), lock.instance().to_owned()));
        let journal = Journal::start(store, events);
        let looked = owner.look(launcher.as_ref()).await?;
        let circuits = registry.circuits().await?;
        let (sender, received) = mpsc::channel(QUEUE);
        let (now, wall) = (clock.monotonic(), clock.now());
        let mut agents = BTreeMap::new();
        for registered in looked.mine {
            let id = registered.definition.agent_id.clone();
            let stored = circuits.get(id.as_str());
            let circuit = stored.map(|stored| AgentCircuit::restore(stored, now, wall, &config.lifecycle.circuit));
            agents.insert(id, Agent::new(registered.definition, circuit, registered.wanted, now));
        }
        let probe = HttpProbe::new(&config.health, Arc::clone(&clock))?;
        let mut actor = Actor {
            config,
            clock: Arc::clone(&clock),
            launcher,
            probe,
            journal: journal.clone(),
            stop,
            owner: Arc::clone(&owner),
            agents,
            hold: Hold::default(),
            throttle: StartThrottle::default(),
            host: HostReading::default(),
            oom_kills: None,
            messages: sender.downgrade(),
            next_look: now,
            is_looking: false,
            next_measure: now,
            is_measuring: false,
            expected: now + Duration::from_secs(1),
            is_leaving: false,
            _lock: lock,
        };
        for (id, process) in looked.adopted {
            actor.adopt(&id, process);
        }
        actor.take_over(looked.is_partial).await?;
        let task = tokio::spawn(actor.run(received));
        Ok(Self::new(sender, registry, owner, journal, clock, task))
    }
}

impl Actor {
    /// Takes over what earlier supervisors of this directory left running, and starts what should run and does not.
    async fn take_over(&mut self, is_partial: bool) -> Result<()> {
        let records = self.launcher.records().await?;
        let looks = records.into_iter().map(|record| {
            let launcher = Arc::clone(&self.launcher);
            async move { (launcher.adopt(&record).await, record) }
        });
        let found = futures_util::future::join_all(looks).await;
        for (adoption, record) in found {
            self.take_over_one(adoption, &record, is_partial).await;
        }
        let now = self.now();
        for agent in self.agents.values_mut() {
            let is_idle = agent.process.is_none() && agent.life.wanted() == Wanted::Stopped && agent.last_exit.is_none();
            if is_idle && agent.wanted_there == Wanted::Running && !agent.definition.is_observed() {
                agent.life.want_running(now);
            }
        }
        Ok(())
    }

    async fn take_over_one(&mut self, adoption: Adoption, record: &RunRecord, is_partial: bool) {
        let id = &record.agent_id;
        let now = self.now();
        let Some(agent) = self.agents.get_mut(id) else {
            // Nobody knows the agent: what runs of it is a stray, unless its row is only unreadable.
            if let (Adoption::Alive(process), false) = (&adoption, is_partial) {
                let stopped = process.terminate(Duration::from_secs(10)).await;
                self.tell("agent.stray_killed", id, json!({ "how": stopped.how, "survivors": stopped.survivors }));
                self.launcher.forget(record).await;
            }
            return;
        };
        match adoption {
            Adoption::Alive(process) if agent.definition.on_supervisor_death == DeathPolicy::Kill => {
                let grace = agent.definition.stop_grace();
                let stopped = process.terminate(grace).await;
                self.tell("agent.ended_with_supervisor", id, json!({ "how": stopped.how, "survivors": stopped.survivors }));
                self.launcher.forget(record).await;
            }
            Adoption::Alive(process) if agent.wanted_there == Wanted::Running => self.adopt(id, process),
            Adoption::Alive(process) => {
                // It was to be stopped when the earlier supervisor ended.
                self.adopt(id, process);
                let order = self.agents.get_mut(id).and_then(|agent| agent.life.want_stopped());
                self.carry_out(id, order);
            }
            Adoption::Dead { is_after_reboot } => {
                self.launcher.forget(record).await;
                if agent.wanted_there == Wanted::Running {
                    agent.life.adopted(now);
                    let (reason, detail) = if is_after_reboot {
                        (Reason::HostReboot, "the machine was started anew")
                    } else {
                        (Reason::Unknown, "it ended while no supervisor ran")
                    };
                    self.over(id, Diagnosis::new(reason, detail));
                } else {
                    self.journal.note(Note::Process(id.clone(), None));
                }
            }
            Adoption::Unclear => {
                let message = format!(
                    "It cannot be told whether the agent {id} still runs. It is not started; end what is left of it, then: everreach agents spawn {id}"
                );
                self.alert(id, "unclear", message);
                agent_stays_down(self, id);
            }
        }
    }
}

/// It is not started by itself: an earlier process may live.
fn agent_stays_down(actor: &mut Actor, id: &AgentId) {
    if let Some(agent) = actor.agents.get_mut(id) {
        agent.wanted_there = Wanted::Stopped;
        // Whatever the registry says; a person's word changes it.
        agent.changed_at = Duration::MAX;
    }
}
