//! What a look at the registry and at the machine found.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::actor::Actor;
use super::agent::Agent;
use super::owner::Looked;
use crate::Result;
use crate::supervisor::agent::AgentId;
use crate::supervisor::circuit::{AgentCircuit, StoredCircuit};
use crate::supervisor::diagnosis::{HostReading, Reason};
use crate::supervisor::launcher::{AgentProcess, Incarnation};
use crate::supervisor::lifecycle::{Order, Phase, Wanted};
use crate::supervisor::registry::RegisteredAgent;

impl Actor {
    /// The registry was read by a look that began at `begun`. What was said here since then counts for more.
    pub(super) fn looked(&mut self, begun: Duration, looked: Result<Looked>) {
        self.is_looking = false;
        self.next_look = self.now() + self.config.look_every;
        let looked = match looked {
            Ok(looked) => looked,
            Err(error) => {
                tracing::debug!(%error, "the registry of agents cannot be read; what is known of them counts");
                return;
            }
        };
        let known: BTreeSet<AgentId> = looked.mine.iter().map(|agent| agent.definition.agent_id.clone()).collect();
        for registered in looked.mine {
            let circuit = looked.circuits.get(registered.definition.agent_id.as_str());
            self.take_in(begun, registered, circuit);
        }
        for (id, process) in looked.adopted {
            self.adopt(&id, process);
        }
        for id in looked.signalled {
            self.tell("agent.restart_signalled", &id, json!({ "by": "needs_restart" }));
            let now = self.now();
            let order = self.agents.get_mut(&id).filter(|agent| !agent.definition.is_observed());
            let order = order.and_then(|agent| agent.life.restart(Reason::Requested, now));
            self.carry_out(&id, order);
        }
        if !looked.is_partial {
            let gone: Vec<AgentId> = self
                .agents
                .iter()
                .filter(|(id, agent)| !known.contains(*id) && agent.changed_at < begun)
                .map(|(id, _)| id.clone())
                .collect();
            for id in gone {
                self.let_go(&id);
            }
        }
    }

    fn take_in(&mut self, begun: Duration, registered: RegisteredAgent, circuit: Option<&StoredCircuit>) {
        let (now, wall) = (self.now(), self.wall());
        let id = registered.definition.agent_id.clone();
        let Some(agent) = self.agents.get_mut(&id) else {
            // Another supervisor forgives nothing either.
            let config = &self.config.lifecycle.circuit;
            let circuit = circuit.map(|stored| AgentCircuit::restore(stored, now, wall, config));
            let mut agent = Agent::new(registered.definition, circuit, registered.wanted, now);
            if registered.wanted == Wanted::Running && !agent.definition.is_observed() {
                agent.life.want_running(now);
            }
            self.agents.insert(id, agent);
            return;
        };
        agent.is_leaving = false;
        let mut order: Option<Order> = None;
        if agent.definition != registered.definition {
            agent.definition = registered.definition;
            agent.life.redefine(&agent.definition);
            let digest = agent.definition.digest();
            let is_outdated = agent.process.as_ref().is_some_and(|process| process.record().digest != digest);
            if is_outdated {
                order = agent.life.restart(Reason::Outdated, now);
            }
        }
        if registered.wanted != agent.wanted_there && agent.changed_at < begun {
            agent.wanted_there = registered.wanted;
            match registered.wanted {
                Wanted::Running if !agent.definition.is_observed() => agent.life.want_running(now),
                Wanted::Running => {}
                Wanted::Stopped => order = agent.life.want_stopped().or(order),
            }
        }
        self.carry_out(&id, order);
    }

    /// A process that lived before this supervisor, or with another one, is looked after from now on.
    pub(super) fn adopt(&mut self, id: &AgentId, process: Arc<dyn AgentProcess>) {
        let (now, wall) = (self.now(), self.wall());
        let Some(agent) = self.agents.get_mut(id).filter(|agent| agent.process.is_none()) else { return };
        agent.life.adopted(now);
        agent.vitals.adopted(now);
        let age = (wall - process.record().started_at).to_std().unwrap_or_default();
        agent.began = Some(now.saturating_sub(age));
        agent.next_probe = now;
        agent.memory.limit = agent.definition.limits.memory_bytes();
        agent.incarnation = Some(process.record().incarnation.clone());
        agent.process = Some(Arc::clone(&process));
        let is_outdated = process.record().digest != agent.definition.digest();
        let pid = agent.pid();
        self.tell("agent.adopted", id, json!({ "pid": pid, "incarnation": process.record().incarnation }));
        self.watch(id, process);
        if is_outdated {
            let order = self.agents.get_mut(id).and_then(|agent| agent.life.restart(Reason::Outdated, now));
            self.carry_out(id, order);
        }
    }

    /// An agent is not registered any more, or another supervisor's: its process ends, and it is forgotten.
    fn let_go(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        agent.is_leaving = true;
        let order = agent.life.want_stopped();
        if matches!(agent.life.phase(), Phase::Idle { .. }) {
            self.agents.remove(id);
            self.hold.forget(id);
        }
        self.carry_out(id, order);
    }

    /// Memory and machine were looked at.
    pub(super) fn measured(&mut self, memory: &HashMap<Incarnation, u64>, host: HostReading, oom_kills: Option<u64>) {
        let now = self.now();
        self.is_measuring = false;
        self.next_measure = now + self.config.measure_every;
        self.host = host;
        let has_killed = matches!((self.oom_kills, oom_kills), (Some(before), Some(now)) if now > before);
        self.oom_kills = oom_kills.or(self.oom_kills);
        let mut over = Vec::new();
        for (id, agent) in &mut self.agents {
            agent.memory.oom_kills = has_killed;
            let Some(bytes) = agent.incarnation.as_ref().and_then(|run| memory.get(run)).copied() else { continue };
            agent.memory_now = Some(bytes);
            agent.memory.peak = agent.memory.peak.max(bytes);
            let is_over = agent.memory.limit.is_some_and(|limit| bytes > limit);
            if is_over && matches!(agent.life.phase(), Phase::Running { .. } | Phase::Starting { has_process: true, .. }) {
                over.push((id.clone(), bytes));
            }
        }
        for (id, bytes) in over {
            self.tell("agent.over_memory", &id, json!({ "bytes": bytes }));
            let order = self.agents.get_mut(&id).and_then(|agent| agent.life.restart(Reason::MemoryLimit, now));
            self.carry_out(&id, order);
        }
    }
}
