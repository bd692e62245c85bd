//! Which agents are this supervisor's: by a claim in the registry, and a lease that shows that it lives.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::lease::{Acquired, Lease, Leases};
use crate::supervisor::agent::AgentId;
use crate::supervisor::circuit::StoredCircuit;
use crate::supervisor::launcher::{Adoption, AgentProcess, Incarnation, ProcessLauncher, RunRecord};
use crate::supervisor::registry::{AgentRegistry, RegisteredAgent, claim, release};
use crate::{Id, Result, SharedClock};

/// What a look at the registry found.
pub(super) struct Looked {
    /// The agents that are this supervisor's.
    pub(super) mine: Vec<RegisteredAgent>,
    /// Processes that were taken over with their agents.
    pub(super) adopted: Vec<(AgentId, Arc<dyn AgentProcess>)>,
    /// The circuits, where agents are new to this supervisor.
    pub(super) circuits: BTreeMap<String, StoredCircuit>,
    /// Whether some rows could not be read: who is missing may only be unreadable.
    pub(super) is_partial: bool,
    /// Agents for which another program asked for a restart.
    pub(super) signalled: Vec<AgentId>,
}

/// This supervisor among those that share a database.
#[derive(Debug)]
pub(super) struct Owner {
    registry: AgentRegistry,
    leases: Leases,
    clock: SharedClock,
    instance: String,
    /// Unlike that of earlier runs.
    run: String,
    lease: Mutex<Option<Lease>>,
}

impl Owner {
    pub(super) fn new(registry: AgentRegistry, leases: Leases, clock: SharedClock, instance: String) -> Self {
        Self { registry, leases, clock, instance, run: Id::new().to_string(), lease: Mutex::new(None) }
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    fn resource(owner: &str) -> String {
        format!("supervisor/{owner}")
    }

    /// Shows that this supervisor lives. An earlier run of it may still have the lease: its directory is locked by this one, so it does not
    /// live any more, and its lease runs out.
    async fn show(&self) -> Result<()> {
        let mut held = self.lease.lock().await;
        let timing = self.leases.timing();
        if let Some(lease) = held.as_ref() {
            let left = lease.act_until().saturating_sub(self.clock.monotonic());
            if left + timing.renew_every > timing.act_for {
                return Ok(());
            }
            *held = self.leases.renew(lease).await?;
        }
        if held.is_none()
            && let Acquired::Held { lease, .. } = self.leases.acquire(&Self::resource(&self.instance), &self.run).await?
        {
            *held = Some(lease);
        }
        Ok(())
    }

    /// Reads the registry, and claims what is nobody's.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn look(&self, launcher: &dyn ProcessLauncher) -> Result<Looked> {
        self.show().await?;
        let (agents, unreadable) = self.registry.look().await?;
        let mut looked = Looked {
            mine: Vec::new(),
            adopted: Vec::new(),
            circuits: BTreeMap::new(),
            is_partial: unreadable > 0,
            signalled: Vec::new(),
        };
        let (mut free, mut lapsed) = (Vec::new(), HashMap::new());
        for agent in agents {
            let Some(owner) = agent.owner.clone() else {
                free.push(agent);
                continue;
            };
            if owner == self.instance {
                looked.mine.push(agent);
                continue;
            }
            let has_lapsed = match lapsed.get(&owner) {
                Some(known) => *known,
                None => {
                    let has_lapsed = self.has_lapsed(&owner).await?;
                    lapsed.insert(owner, has_lapsed);
                    has_lapsed
                }
            };
            if has_lapsed {
                free.push(agent);
            }
        }
        if !free.is_empty() {
            looked.circuits = self.registry.circuits().await?;
        }
        for agent in free {
            let Some(process) = find(launcher, &agent).await else { continue };
            if self.claim(&agent).await? {
                looked.adopted.extend(process.map(|process| (agent.definition.agent_id.clone(), process)));
                looked.mine.push(agent);
            }
        }
        for agent in looked.mine.iter().filter(|agent| agent.needs_restart) {
            if self.registry.take_restart_signal(&agent.definition.agent_id).await? {
                looked.signalled.push(agent.definition.agent_id.clone());
            }
        }
        Ok(looked)
    }

    async fn has_lapsed(&self, owner: &str) -> Result<bool> {
        Ok(!self.leases.look(&Self::resource(owner)).await?.is_some_and(|lease| lease.is_held))
    }

    async fn claim(&self, agent: &RegisteredAgent) -> Result<bool> {
        let (id, me, before) = (agent.definition.agent_id.clone(), self.instance.clone(), agent.owner.clone());
        let claimed =
            self.registry.store().write(move |mut db| Box::pin(async move { claim(&mut db, &id, &me, before.as_deref()).await }));
        claimed.await
    }

    /// Gives the agents and the lease back, for others to take at once.
    pub(super) async fn release(&self, agents: Vec<AgentId>) -> Result<()> {
        let me = self.instance.clone();
        let given = self.registry.store().write(move |mut db| {
            Box::pin(async move {
                for id in &agents {
                    release(&mut db, id, &me).await?;
                }
                Ok(())
            })
        });
        given.await?;
        if let Some(lease) = self.lease.lock().await.take() {
            self.leases.release(&lease, None).await?;
        }
        Ok(())
    }
}

/// Whether an agent that was another's can be taken: `None` when its process may live where it cannot be seen, else the process that it has
/// here, if any.
#[allow(clippy::option_option, reason = "it cannot be taken, or can, with or without a process")]
async fn find(launcher: &dyn ProcessLauncher, agent: &RegisteredAgent) -> Option<Option<Arc<dyn AgentProcess>>> {
    let Some(process) = &agent.process else { return Some(None) };
    let record = RunRecord::unidentified(
        agent.definition.agent_id.clone(),
        Incarnation::from_text(process.incarnation.as_str()),
        agent.definition.digest(),
        agent.registered_at.unwrap_or_default(),
    );
    if process.boot != launcher.boot() {
        return None;
    }
    match launcher.adopt(&record).await {
        Adoption::Alive(process) => Some(Some(process)),
        Adoption::Dead { .. } => Some(None),
        Adoption::Unclear => None,
    }
}
