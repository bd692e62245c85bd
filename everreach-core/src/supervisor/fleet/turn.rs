//! One turn of the loop: what became due by the passing of time.

use std::sync::Arc;
use std::time::Duration;

use super::actor::{Actor, Message, random};
use super::journal::Note;
use crate::supervisor::agent::AgentId;
use crate::supervisor::lifecycle::{Order, Phase};
use crate::supervisor::registry::HealthRecord;

/// The longest wait between two turns.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Actor {
    /// Does all that is due; answers with how long nothing more can be.
    pub(super) fn turn(&mut self) -> Duration {
        let now = self.now();
        let away = now.saturating_sub(self.expected);
        if away > self.config.health.own_lag {
            // It was this process that was away: what was missed says nothing about agents.
            for agent in self.agents.values_mut() {
                agent.vitals.forgive(now);
                agent.life.forgive(away);
            }
        }
        let ids: Vec<AgentId> = self.agents.keys().cloned().collect();
        for id in &ids {
            self.tick(id, now);
        }
        self.try_held(now);
        let next_start = if self.is_leaving { None } else { self.start_due(&ids, now) };
        self.probe_due(now);
        self.look_if_due(now);
        self.measure_if_due(now);
        self.write_changes(now);
        let next = self.next_wake(now).into_iter().chain(next_start).min();
        let wait = next.map_or(LONGEST_WAIT, |next| next.saturating_sub(now)).min(LONGEST_WAIT);
        self.expected = now + wait;
        wait
    }

    fn tick(&mut self, id: &AgentId, now: Duration) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        let mut orders = agent.life.tick(now, random(), &self.config.lifecycle);
        // One with a health URL is judged by that and its heartbeats together.
        let is_silent = agent.definition.health_url.is_none() && agent.vitals.is_silent(now, &self.config.health);
        if is_silent && matches!(agent.life.phase(), Phase::Running { .. }) {
            orders.extend(self.hung(id));
        }
        if !orders.is_empty() {
            self.carry_out(id, orders);
        }
    }

    fn try_held(&mut self, now: Duration) {
        self.hold.pressure(self.host.pressure().is_some());
        for id in self.hold.due(now, &self.config.hold) {
            if let Some(agent) = self.agents.get_mut(&id) {
                agent.life.release(now);
            }
        }
    }

    /// Starts whose turn it is, as many as may start now; answers with when to ask again.
    fn start_due(&mut self, ids: &[AgentId], now: Duration) -> Option<Duration> {
        if self.hold.has_pressure() {
            return None;
        }
        let patience = self.config.throttle.patience;
        let is_starting = |phase: Phase| matches!(phase, Phase::Starting { since, .. } if now.saturating_sub(since) < patience);
        let mut starting = self.agents.values().filter(|agent| is_starting(agent.life.phase())).count();
        for id in ids {
            if !self.agents.get(id).is_some_and(|agent| agent.incarnation.is_none() && agent.life.is_due(now)) {
                continue;
            }
            if let Err(again) = self.throttle.permit(now, starting, &self.config.throttle) {
                return Some(again);
            }
            self.begin(id);
            starting += 1;
        }
        None
    }

    fn probe_due(&mut self, now: Duration) {
        let config = &self.config.health;
        let mut busy = self.agents.values().filter(|agent| agent.is_probing).count();
        let mut due = Vec::new();
        for agent in self.agents.values_mut() {
            if busy >= config.at_once || agent.is_probing || now < agent.next_probe || !agent.is_probed() {
                continue;
            }
            let Some(url) = agent.definition.health_url.clone() else { continue };
            let interval = if agent.is_coming_up() { config.start_interval } else { config.interval };
            agent.next_probe = now + interval.mul_f64(1.0 + config.jitter * (2.0 * random() - 1.0));
            agent.is_probing = true;
            busy += 1;
            due.push((agent.definition.agent_id.clone(), agent.incarnation.clone(), url));
        }
        for (id, incarnation, url) in due {
            let probe = self.probe.clone();
            self.beside(async move {
                let result = probe.check(&url, &id).await;
                Message::Probed(id, incarnation, result)
            });
        }
    }

    fn look_if_due(&mut self, now: Duration) {
        if self.is_looking || now < self.next_look {
            return;
        }
        self.is_looking = true;
        let (owner, launcher) = (Arc::clone(&self.owner), Arc::clone(&self.launcher));
        self.beside(async move { Message::Looked(now, owner.look(launcher.as_ref()).await) });
    }

    fn measure_if_due(&mut self, now: Duration) {
        if self.is_measuring || now < self.next_measure {
            return;
        }
        self.is_measuring = true;
        let runs: Vec<_> = self.agents.iter().map(|(id, agent)| (id.clone(), agent.incarnation.clone())).collect();
        let (launcher, folder) = (Arc::clone(&self.launcher), self.config.state_dir.clone());
        self.beside(async move {
            let memory = launcher.memory().await;
            launcher.bound_logs(runs).await;
            let (host, oom_kills) = launcher.host(&folder).await;
            Message::Measured(memory, host, oom_kills)
        });
    }

    /// Writes down what is not as it was last written down.
    fn write_changes(&mut self, now: Duration) {
        let wall = self.wall();
        for (id, agent) in &mut self.agents {
            let shown = (agent.status(now), agent.life.circuit().state(now), agent.life.circuit().failures());
            let was = agent.shown.replace(shown);
            if was.map(|was| was.0) != Some(shown.0) {
                self.journal.note(Note::Status(id.clone(), shown.0, wall));
            }
            // A circuit that was never anything but closed has no row.
            let is_news = was.map_or(shown.2 > 0, |was| (was.1, was.2) != (shown.1, shown.2));
            if is_news {
                self.journal.note(Note::Circuit(id.clone(), agent.life.circuit().store(now, wall)));
            }
            let is_watched = agent.process.is_some() || agent.definition.is_observed();
            if now >= agent.next_history && is_watched {
                agent.next_history = now + self.config.history_every;
                let score = agent.score(now, &self.config.health).0.score;
                let last = agent.last_result.as_ref();
                let millis = last.map(|result| i64::try_from(result.took.as_millis()).unwrap_or(i64::MAX));
                let failure = last.and_then(|result| result.failure).map(|failure| failure.as_str().to_owned());
                self.journal.note(Note::Health(HealthRecord::new(id, score, millis, failure, wall)));
            }
        }
    }

    fn next_wake(&self, now: Duration) -> Option<Duration> {
        let of_agents = self.agents.values().flat_map(|agent| {
            let probe = (agent.is_probed() && !agent.is_probing).then_some(agent.next_probe);
            let life = agent.life.next_look(now, &self.config.lifecycle);
            // One that is due and does not get its turn is asked for again by whoever keeps it.
            [probe.filter(|at| *at > now), life.filter(|at| *at > now)]
        });
        of_agents.flatten().chain(self.hold.next_look().filter(|at| *at > now)).min()
    }

    /// Brings every agent to its end; nothing is started any more.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
        let ids: Vec<AgentId> = self.agents.keys().cloned().collect();
        for id in ids {
            let order: Option<Order> = self.agents.get_mut(&id).and_then(|agent| agent.life.want_stopped());
            self.carry_out(&id, order);
        }
    }
}
