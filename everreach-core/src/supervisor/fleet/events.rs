//! What processes and probes tell.

use serde_json::json;

use super::actor::Actor;
use super::alert;
use super::journal::Note;
use crate::breaker::CircuitState;
use crate::supervisor::agent::AgentId;
use crate::supervisor::circuit::AgentCircuit;
use crate::supervisor::diagnosis::{Diagnosis, End, Evidence, Level, Reason, Recovery, diagnose, recovery};
use crate::supervisor::health::{HealthResult, Sign};
use crate::supervisor::launcher::{Incarnation, Stopped};
use crate::supervisor::lifecycle::{HoldCause, Order, Phase};

impl Actor {
    /// A process ended.
    pub(super) fn ended(&mut self, id: &AgentId, incarnation: &Incarnation, end: End, tail: &str) {
        let now = self.now();
        let Some(agent) = self.agents.get(id).filter(|agent| agent.incarnation.as_ref() == Some(incarnation)) else { return };
        let mut evidence = Evidence::of(Ok(end)).with_log(tail);
        evidence.ordered = agent.ordered;
        evidence.is_success = matches!(end, End::Code(code) if agent.definition.is_success(code));
        evidence.ran_for = agent.began.map(|began| now.saturating_sub(began)).unwrap_or_default();
        evidence.memory = agent.memory;
        evidence.host = self.host;
        self.over(id, diagnose(&evidence));
    }

    /// A process was brought to its end; [`Actor::ended`] tells of the end itself.
    pub(super) fn stopped(&mut self, id: &AgentId, incarnation: &Incarnation, stopped: Stopped) {
        self.tell("agent.stopped", id, json!({ "how": stopped.how, "survivors": stopped.survivors, "incarnation": incarnation }));
        if stopped.survivors > 0 {
            let message = format!("{} processes of the agent {id} cannot be ended.", stopped.survivors);
            self.alert(id, "survivors", message);
        }
        if let Some(agent) = self.agents.get_mut(id) {
            for waiting in agent.await_end.drain(..) {
                let _nobody_waits = waiting.send(stopped);
            }
        }
    }

    /// The diagnosis, with the cause that an agent shares with others in the place of its own.
    pub(super) fn shared_cause(&mut self, id: &AgentId, mut diagnosis: Diagnosis) -> Diagnosis {
        let now = self.now();
        let Some(agent) = self.agents.get(id) else { return diagnosis };
        let policy = agent.definition.restart_policy;
        let shared = match (&diagnosis.peer, diagnosis.reason) {
            (Some(peer), _) => self.hold.failed(id, peer, now, &self.config.hold),
            (None, Reason::HostPressure) => Some(HoldCause::Host),
            _ => None,
        };
        let Some(cause) = shared else {
            // Its own fault; a failure for want of a peer is remembered until others have the same.
            if diagnosis.peer.is_none() {
                self.hold.forget(id);
            }
            return diagnosis;
        };
        if let HoldCause::Dependency(peer) = &cause {
            diagnosis.reason = Reason::DependencyDown;
            diagnosis.detail = format!("{peer} does not answer: {}", diagnosis.detail);
        }
        let comes_back = agent.life.wanted() == crate::supervisor::Wanted::Running;
        if comes_back && recovery(diagnosis.reason, policy) == Recovery::Hold {
            let is_new = self.hold.hold(id.clone(), cause.clone(), now, &self.config.hold);
            if is_new {
                self.tell("agent.hold", id, json!({ "cause": cause.to_string() }));
                let hint = diagnosis.reason.hint().unwrap_or_default();
                self.alert_of(&format!("hold {cause}"), format!("Agents are not started: {cause}. {hint}."));
            }
        }
        diagnosis
    }

    /// Tells a person what nobody here can mend.
    pub(super) fn escalate(&mut self, id: &AgentId, diagnosis: &Diagnosis, was: CircuitState, circuit: &AgentCircuit) {
        let now = self.now();
        let opened = was != CircuitState::Open && circuit.state(now) == CircuitState::Open;
        if opened {
            let wait = circuit.next_trial().map(|next| next.saturating_sub(now).as_secs());
            self.tell(
                "agent.circuit_opened",
                id,
                json!({ "failures": circuit.failures(), "reason": diagnosis.reason, "next_trial_s": wait }),
            );
            self.alert(id, diagnosis.reason.as_str(), alert::circuit_opened(id, diagnosis, circuit.failures(), wait));
        } else if diagnosis.reason.level() == Level::Page && self.hold.cause_of(id).is_none() {
            self.alert(id, diagnosis.reason.as_str(), alert::failed(id, diagnosis));
        }
    }

    /// What a look at an agent found.
    pub(super) fn probed(&mut self, id: &AgentId, incarnation: Option<&Incarnation>, result: HealthResult) {
        let now = self.now();
        let Some(agent) = self.agents.get_mut(id) else { return };
        agent.is_probing = false;
        if agent.incarnation.as_ref() != incarnation || !agent.is_probed() {
            return;
        }
        let is_changed = agent.last_result.as_ref().map(|last| last.failure) != Some(result.failure);
        let sign = if result.is_good() {
            agent.vitals.good_probe(result.took, now, &self.config.health)
        } else {
            agent.vitals.bad_probe(now, &self.config.health)
        };
        if is_changed {
            // What changes is written down at once.
            agent.next_history = now;
        }
        let is_good = result.is_good();
        let failure = result.failure;
        agent.last_result = Some(result);
        let mut orders: Vec<Order> = Vec::new();
        if is_good {
            orders.extend(agent.life.probed_well(now, &self.config.lifecycle));
        } else {
            agent.life.probed_badly();
        }
        match sign {
            Some(Sign::Ready) => agent.life.ready(now),
            Some(Sign::Unready) => agent.life.unready(),
            Some(Sign::Hung) if !agent.definition.is_observed() => orders.extend(self.hung(id)),
            Some(Sign::Hung) | None => {}
        }
        match sign {
            Some(Sign::Ready) => self.tell("agent.ready", id, json!(null)),
            Some(Sign::Unready) => {
                self.tell("agent.unready", id, json!({ "failure": failure }));
                if self.agents.get(id).is_some_and(|agent| agent.definition.is_observed()) {
                    let word = failure.map_or("unknown", super::super::health::ProbeFailure::as_str);
                    self.alert(id, "unready", format!("{id} does not answer well ({word}). It is not started from here."));
                }
            }
            Some(Sign::Hung) | None => {}
        }
        self.carry_out(id, orders);
    }

    /// It lives and does nothing.
    pub(super) fn hung(&mut self, id: &AgentId) -> Option<Order> {
        let now = self.now();
        let agent = self.agents.get_mut(id)?;
        matches!(agent.life.phase(), Phase::Running { .. }).then(|| agent.life.restart(Reason::Hung, now)).flatten()
    }

    pub(super) fn alert(&self, id: &AgentId, occasion: &str, message: String) {
        self.alert_of(&format!("agent {id} {occasion}"), message);
    }

    /// Once for each occasion and hour.
    pub(super) fn alert_of(&self, occasion: &str, message: String) {
        let at = self.wall();
        tracing::warn!(target: "everreach::agents", "{message}");
        self.journal.note(Note::Alert(alert::edge(occasion, at), message, at));
    }
}
