//! What the handle asks for.

use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::actor::{Actor, Message, random};
use super::agent::Agent;
use super::journal::Note;
use super::view::{AgentView, HealthView};
use crate::supervisor::agent::{AgentId, Tag};
use crate::supervisor::diagnosis::Reason;
use crate::supervisor::health::HealthResult;
use crate::supervisor::launcher::{Incarnation, StopHow, Stopped};
use crate::supervisor::lifecycle::{Phase, Wanted};
use crate::supervisor::routing::{Candidate, Chosen, NoAgent, TaskRequest, choose};
use crate::{Error, ErrorKind, Result, Retry};

/// What the handle asks for.
pub(super) enum Request {
    List(oneshot::Sender<Vec<AgentView>>),
    Show(AgentId, oneshot::Sender<Result<AgentView>>),
    Health(AgentId, oneshot::Sender<Result<HealthView>>),
    HealthOfAll(oneshot::Sender<Vec<HealthView>>),
    Check(AgentId, oneshot::Sender<Result<HealthResult>>),
    Tagged(Vec<Tag>, oneshot::Sender<Vec<AgentId>>),
    Spawn(AgentId, oneshot::Sender<Result<()>>),
    Restart(AgentId, oneshot::Sender<Result<()>>),
    Terminate(AgentId, oneshot::Sender<Stopped>, oneshot::Sender<Result<()>>),
    ResetCircuit(AgentId, oneshot::Sender<Result<()>>),
    Beat(AgentId, Incarnation, oneshot::Sender<Result<()>>),
    Route(TaskRequest, oneshot::Sender<Result<Chosen, NoAgent>>),
    /// A routed task ended: well, after this long, or badly.
    Done(AgentId, Option<Duration>),
    /// Look at the registry now.
    Look,
    Leave,
    /// End at once, and leave the agents to the next supervisor.
    Detach,
}

fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    let _nobody_waits = reply.send(value);
}

fn unknown(id: &AgentId) -> Error {
    Error::new(ErrorKind::NotFound, "this supervisor looks after no such agent: see everreach agents list").with("agent_id", id)
}

fn observed(id: &AgentId) -> Error {
    Error::new(ErrorKind::Conflict, "this agent is only looked at: whoever starts it elsewhere has to").with("agent_id", id)
}

impl Actor {
    pub(super) fn request(&mut self, request: Request) {
        let (now, wall) = (self.now(), self.wall());
        match request {
            Request::List(reply) => {
                let ids: Vec<AgentId> = self.agents.keys().cloned().collect();
                answer(reply, ids.iter().filter_map(|id| self.view(id)).collect());
            }
            Request::Show(id, reply) => {
                let view = self.view(&id).ok_or_else(|| unknown(&id));
                answer(reply, view);
            }
            Request::Health(id, reply) => {
                let config = &self.config.health;
                let view = self.agents.get_mut(&id).map(|agent| agent.health(now, wall, config)).ok_or_else(|| unknown(&id));
                answer(reply, view);
            }
            Request::HealthOfAll(reply) => {
                let config = &self.config.health;
                answer(reply, self.agents.values_mut().map(|agent| agent.health(now, wall, config)).collect());
            }
            Request::Check(id, reply) => self.check(&id, reply),
            Request::Tagged(tags, reply) => {
                let has_all = |agent: &&Agent| !agent.definition.is_observed() && agent.definition.has_tags(&tags);
                answer(reply, self.agents.values().filter(has_all).map(|agent| agent.definition.agent_id.clone()).collect());
            }
            Request::Spawn(id, reply) => self.spawn(&id, reply),
            Request::Restart(id, reply) => self.restart(&id, reply),
            Request::Terminate(id, ended, reply) => answer(reply, self.terminate(&id, ended)),
            Request::ResetCircuit(id, reply) => answer(reply, self.reset_circuit(&id)),
            Request::Beat(id, incarnation, reply) => answer(reply, self.beat(&id, &incarnation)),
            Request::Route(task, reply) => answer(reply, self.route(&task)),
            Request::Done(id, took) => self.task_done(&id, took),
            Request::Look => self.next_look = now,
            Request::Leave => self.leave(),
            Request::Detach => {
                self.is_leaving = true;
                // The processes live on, and their records stay.
                self.agents.clear();
            }
        }
    }

    fn view(&mut self, id: &AgentId) -> Option<AgentView> {
        let (now, wall) = (self.now(), self.wall());
        let held = self.hold.cause_of(id).map(ToString::to_string);
        let pressure = self.hold.has_pressure().then(|| "the machine has no room".to_owned());
        let agent = self.agents.get_mut(id)?;
        let waits_for = match agent.life.phase() {
            Phase::Held => held,
            Phase::Waiting { .. } => pressure,
            _ => None,
        };
        Some(agent.view(waits_for, now, wall, &self.config.health))
    }

    /// Looks at an agent now, beside its regular looks.
    fn check(&mut self, id: &AgentId, reply: oneshot::Sender<Result<HealthResult>>) {
        let Some(agent) = self.agents.get(id) else { return answer(reply, Err(unknown(id))) };
        let Some(url) = agent.definition.health_url.clone() else {
            let sentence = "this agent has no health URL: its process and its heartbeats say how it is";
            return answer(reply, Err(Error::new(ErrorKind::Conflict, sentence).with("agent_id", id)));
        };
        let (probe, id, incarnation) = (self.probe.clone(), id.clone(), agent.incarnation.clone());
        self.beside(async move {
            let result = probe.check(&url, &id).await;
            answer(reply, Ok(result.clone()));
            Message::Probed(id, incarnation, result)
        });
    }

    fn spawn(&mut self, id: &AgentId, reply: oneshot::Sender<Result<()>>) {
        let now = self.now();
        let Some(agent) = self.agents.get_mut(id) else { return answer(reply, Err(unknown(id))) };
        if agent.definition.is_observed() {
            return answer(reply, Err(observed(id)));
        }
        if let Some(wait) = resting(agent, now) {
            return answer(reply, Err(wait.with("agent_id", id)));
        }
        agent.changed_at = now;
        agent.wanted_there = Wanted::Running;
        agent.life.want_running(now);
        if agent.process.is_some() && matches!(agent.life.phase(), Phase::Running { .. } | Phase::Starting { .. }) {
            return answer(reply, Ok(()));
        }
        agent.await_start.push(reply);
    }

    fn restart(&mut self, id: &AgentId, reply: oneshot::Sender<Result<()>>) {
        let now = self.now();
        let Some(agent) = self.agents.get_mut(id) else { return answer(reply, Err(unknown(id))) };
        if agent.definition.is_observed() {
            return answer(reply, Err(observed(id)));
        }
        if let Some(wait) = resting(agent, now) {
            return answer(reply, Err(wait.with("agent_id", id)));
        }
        agent.changed_at = now;
        agent.wanted_there = Wanted::Running;
        agent.await_start.push(reply);
        let order = agent.life.restart(Reason::Requested, now);
        self.carry_out(id, order);
    }

    fn terminate(&mut self, id: &AgentId, ended: oneshot::Sender<Stopped>) -> Result<()> {
        let (now, wall) = (self.now(), self.wall());
        let agent = self.agents.get_mut(id).ok_or_else(|| unknown(id))?;
        if agent.definition.is_observed() {
            return Err(observed(id));
        }
        agent.changed_at = now;
        agent.wanted_there = Wanted::Stopped;
        for waiting in agent.await_start.drain(..) {
            let cancelled = Error::new(ErrorKind::Conflict, "it was stopped before it had started").with("agent_id", id);
            answer(waiting, Err(cancelled));
        }
        let order = agent.life.want_stopped();
        if matches!(agent.life.phase(), Phase::Idle { .. }) {
            answer(ended, Stopped::new(StopHow::AlreadyDead, 0));
        } else {
            agent.await_end.push(ended);
        }
        self.hold.forget(id);
        self.journal.note(Note::Wanted(id.clone(), Wanted::Stopped, wall));
        self.carry_out(id, order);
        Ok(())
    }

    fn reset_circuit(&mut self, id: &AgentId) -> Result<()> {
        let now = self.now();
        let agent = self.agents.get_mut(id).ok_or_else(|| unknown(id))?;
        agent.life.circuit_reset(now);
        self.tell("agent.circuit_reset", id, json!(null));
        Ok(())
    }

    /// A heartbeat counts only from the run that is on: a copy from before is told that it is not wanted any more.
    fn beat(&mut self, id: &AgentId, incarnation: &Incarnation) -> Result<()> {
        let now = self.now();
        let agent = self.agents.get_mut(id).ok_or_else(|| unknown(id))?;
        if agent.incarnation.as_ref() != Some(incarnation) {
            return Err(Error::new(ErrorKind::Conflict, "this run of the agent is over: end yourself").with("agent_id", id));
        }
        agent.vitals.beat(now);
        Ok(())
    }

    fn route(&mut self, task: &TaskRequest) -> Result<Chosen, NoAgent> {
        let now = self.now();
        let config = &self.config.health;
        let candidates: Vec<Candidate> = self.agents.values_mut().map(|agent| agent.candidate(now, config)).collect();
        let chosen = choose(task, &candidates, [random(), random()])?;
        if let Some(agent) = self.agents.get_mut(&chosen.agent_id) {
            agent.in_flight = agent.in_flight.saturating_add(1);
        }
        Ok(chosen)
    }

    fn task_done(&mut self, id: &AgentId, took: Option<Duration>) {
        let now = self.now();
        if let Some(agent) = self.agents.get_mut(id) {
            agent.in_flight = agent.in_flight.saturating_sub(1);
            match took {
                Some(took) => agent.vitals.call_succeeded(took, now),
                None => agent.vitals.call_failed(now),
            }
        }
    }
}

/// Why an agent is not started by hand either: its circuit rests.
fn resting(agent: &Agent, now: Duration) -> Option<Error> {
    use crate::supervisor::circuit::Start;
    let sentence = "the agent failed too often and rests: reset its circuit to start it at once";
    match agent.life.circuit().may_start(now) {
        Start::Freely | Start::Trial => None,
        // One on trial runs already.
        Start::NotBefore(_) if agent.process.is_some() || agent.incarnation.is_some() => None,
        Start::NotBefore(at) => {
            let wait = at.saturating_sub(now);
            let error = Error::new(ErrorKind::CircuitOpen, sentence).with("retry_after_s", wait.as_secs());
            Some(error.with_retry(Retry::Later(wait)))
        }
        Start::Never => Some(Error::new(ErrorKind::CircuitOpen, sentence).with_retry(Retry::Never)),
    }
}
