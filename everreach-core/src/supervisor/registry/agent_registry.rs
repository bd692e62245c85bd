//! The handle on the registered agents.

use std::collections::{BTreeMap, BTreeSet};

use super::{HealthRecord, RegisteredAgent, RestartRecord, store};
use crate::store::Store;
use crate::supervisor::agent::{AgentDefinition, AgentId, Capability};
use crate::supervisor::circuit::{AgentCircuit, AgentCircuitConfig, StoredCircuit};
use crate::supervisor::lifecycle::Wanted;
use crate::{Error, ErrorKind, Event, Result, SharedClock, Timestamp, events};

/// A cheap-to-clone handle on the registered agents of a database. What it changes a supervisor carries out within seconds.
///
/// ```
/// # use everreach_core::{SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::supervisor::{AgentDefinition, AgentRegistry, Registration};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let registry = AgentRegistry::new(store, SystemClock::shared());
/// assert_eq!(registry.agents().await?.len(), 5, "those that every installation knows");
/// let definition = AgentDefinition::new("mailer".parse()?, "mailer.py".parse()?);
/// assert_eq!(registry.register(definition).await?, Registration::New);
/// assert!(registry.unregister(&"mailer".parse()?).await?);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct AgentRegistry {
    store: Store,
    clock: SharedClock,
}

/// What came of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it was there, alike or not, or it was not")]
pub enum Registration {
    /// The agent was not known.
    New,
    /// It was known, and is defined differently now.
    Changed,
    /// It was known like this.
    Same,
}

impl AgentRegistry {
    /// The agents of this database.
    #[must_use]
    pub const fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock }
    }

    pub(in crate::supervisor) const fn store(&self) -> &Store {
        &self.store
    }

    /// Registers an agent, or changes the definition of one that is known.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a definition that does not hold, or the store's.
    pub async fn register(&self, definition: AgentDefinition) -> Result<Registration> {
        let definition = definition.check()?;
        let now = self.clock.now();
        let written = self.store.write(move |mut db| {
            Box::pin(async move {
                let before = store::agents(&mut db, Some(&definition.agent_id)).await?.pop();
                let registration = match before {
                    Some(Ok(agent)) if agent.definition == definition => return Ok(Registration::Same),
                    Some(_) => Registration::Changed,
                    None => Registration::New,
                };
                store::register(&mut db, &definition, now).await?;
                let kind = if registration == Registration::New { "agent.registered" } else { "agent.redefined" };
                events::append(&mut db, &Event::new(now, kind, definition.agent_id.as_str())).await?;
                Ok(registration)
            })
        });
        written.await
    }

    /// Every agent that can be read, by id. Of others a warning is logged.
    ///
    /// # Errors
    /// The store's.
    pub async fn agents(&self) -> Result<Vec<RegisteredAgent>> {
        let rows = store::agents(&mut self.store.read().await?.db(), None).await?;
        let readable =
            |row: Result<RegisteredAgent>| row.inspect_err(|error| tracing::warn!(%error, "an agent is left out")).ok();
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    /// Every agent that can be read, and how many could not be.
    pub(in crate::supervisor) async fn look(&self) -> Result<(Vec<RegisteredAgent>, usize)> {
        let rows = store::agents(&mut self.store.read().await?.db(), None).await?;
        let count = rows.len();
        let agents: Vec<_> = rows.into_iter().filter_map(Result::ok).collect();
        let unreadable = count - agents.len();
        Ok((agents, unreadable))
    }

    /// One agent; nothing when there is none of this id.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] when its row is no agent, or the store's.
    pub async fn agent(&self, id: &AgentId) -> Result<Option<RegisteredAgent>> {
        store::agents(&mut self.store.read().await?.db(), Some(id)).await?.pop().transpose()
    }

    /// Forgets an agent; says whether it was known. A supervisor stops its process.
    ///
    /// # Errors
    /// The store's.
    pub async fn unregister(&self, id: &AgentId) -> Result<bool> {
        let (id, now) = (id.clone(), self.clock.now());
        let removed = self.store.write(move |mut db| {
            Box::pin(async move {
                let was_known = store::remove(&mut db, &id).await?;
                if was_known {
                    events::append(&mut db, &Event::new(now, "agent.unregistered", id.as_str())).await?;
                }
                Ok(was_known)
            })
        });
        removed.await
    }

    /// Says whether an agent should run. A supervisor carries it out.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such agent, or the store's.
    pub async fn want(&self, id: &AgentId, wanted: Wanted) -> Result<()> {
        let (agent, now) = (id.clone(), self.clock.now());
        let written =
            self.store.write(move |mut db| Box::pin(async move { store::want(&mut db, &agent, wanted, now).await })).await?;
        if written { Ok(()) } else { Err(unknown(id)) }
    }

    /// Takes another program's signal that an agent is to be restarted; says whether it was set.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_restart_signal(&self, id: &AgentId) -> Result<bool> {
        let id = id.clone();
        self.store.write(move |mut db| Box::pin(async move { store::take_signal(&mut db, &id).await })).await
    }

    /// Sets what an agent can do.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such agent, or as [`AgentRegistry::register`].
    pub async fn set_capabilities(&self, id: &AgentId, capabilities: BTreeSet<Capability>) -> Result<()> {
        let mut definition = self.agent(id).await?.ok_or_else(|| unknown(id))?.definition;
        definition.capabilities = capabilities;
        self.register(definition).await.map(drop)
    }

    /// Which agents can do what.
    ///
    /// # Errors
    /// The store's.
    pub async fn capabilities(&self) -> Result<BTreeMap<Capability, Vec<AgentId>>> {
        let mut all: BTreeMap<Capability, Vec<AgentId>> = BTreeMap::new();
        for agent in self.agents().await? {
            for capability in agent.definition.capabilities {
                all.entry(capability).or_default().push(agent.definition.agent_id.clone());
            }
        }
        Ok(all)
    }

    /// The circuit of an agent as it was last written down; a closed one when nothing was.
    ///
    /// # Errors
    /// The store's.
    pub async fn circuit(&self, id: &AgentId) -> Result<StoredCircuit> {
        let found = store::circuits(&mut self.store.read().await?.db(), Some(id)).await?.pop();
        Ok(found.map_or_else(|| AgentCircuit::closed().store(self.clock.monotonic(), self.clock.now()), |(_, circuit)| circuit))
    }

    /// Every circuit that was written down, by the agent's id.
    ///
    /// # Errors
    /// The store's.
    pub async fn circuits(&self) -> Result<BTreeMap<String, StoredCircuit>> {
        Ok(store::circuits(&mut self.store.read().await?.db(), None).await?.into_iter().collect())
    }

    /// Changes the circuit of an agent that no supervisor looks after: reads it, applies `change`, writes it back in one transaction.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_circuit<F>(&self, id: &AgentId, config: AgentCircuitConfig, change: F) -> Result<StoredCircuit>
    where
        F: FnOnce(&mut AgentCircuit, std::time::Duration, &AgentCircuitConfig) + Send + 'static,
    {
        let (id, now, wall) = (id.clone(), self.clock.monotonic(), self.clock.now());
        let changed = self.store.write(move |mut db| {
            Box::pin(async move {
                let found = store::circuits(&mut db, Some(&id)).await?.pop();
                let before = found.map(|(_, stored)| AgentCircuit::restore(&stored, now, wall, &config));
                let mut circuit = before.unwrap_or_default();
                change(&mut circuit, now, &config);
                let stored = circuit.store(now, wall);
                store::save_circuit(&mut db, &id, &stored).await?;
                Ok(stored)
            })
        });
        changed.await
    }

    /// The newest restarts of an agent, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn restarts(&self, id: &AgentId, limit: u16) -> Result<Vec<RestartRecord>> {
        store::restarts_of(&mut self.store.read().await?.db(), id, limit).await
    }

    /// How often an agent was started again.
    ///
    /// # Errors
    /// The store's.
    pub async fn restart_count(&self, id: &AgentId) -> Result<u64> {
        let count = store::count_restarts(&mut self.store.read().await?.db(), id).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The newest records of an agent's health, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn health(&self, id: &AgentId, limit: u16) -> Result<Vec<HealthRecord>> {
        store::health_of(&mut self.store.read().await?.db(), id, limit).await
    }

    /// Removes records of health from before this moment; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune_health(&self, before: Timestamp) -> Result<u64> {
        self.store.write(move |mut db| Box::pin(async move { store::prune_health(&mut db, before).await })).await
    }
}

fn unknown(id: &AgentId) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such agent: register it, or look at the list of agents").with("agent_id", id)
}
