//! Making processes and bringing them to their end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::actor::{Actor, Message, random};
use super::agent::RestartCause;
use super::journal::Note;
use crate::Error;
use crate::supervisor::agent::AgentId;
use crate::supervisor::diagnosis::{Diagnosis, Evidence, Reason, diagnose};
use crate::supervisor::launcher::{AgentProcess, Incarnation, Launch, StartError};
use crate::supervisor::lifecycle::{Order, Phase};
use crate::supervisor::registry::{ProcessNote, RestartNote};

/// How soon it is asked again whether the stop switch is lifted.
const STOPPED_AGAIN: Duration = Duration::from_secs(1);
/// How much of the end of a log a diagnosis reads.
const TAIL: usize = 16 * 1024;

impl Actor {
    /// Starts an agent whose turn it is.
    pub(super) fn begin(&mut self, id: &AgentId) {
        let now = self.now();
        let Some(agent) = self.agents.get_mut(id) else { return };
        if agent.life.begin(now, &self.config.lifecycle).is_none() {
            return;
        }
        let mut launch = Launch::new(agent.definition.clone());
        if let Some(url) = &self.config.heartbeat_url {
            launch.extra.insert("EVERREACH_HEARTBEAT_URL".to_owned(), url.replace("{id}", id.as_str()));
        }
        agent.incarnation = Some(launch.incarnation.clone());
        agent.ordered = None;
        let (launcher, stop, id) = (Arc::clone(&self.launcher), self.stop.clone(), id.clone());
        let incarnation = launch.incarnation.clone();
        self.beside(async move {
            if let Some(stop) = stop {
                // Asked afresh; while the database cannot say, what was seen last counts: agents do not wait for it.
                let is_stopped = stop.check_now().await.map_or_else(|_| stop.is_stopped(), |state| state.stopped);
                if is_stopped {
                    return Message::NotNow(id, incarnation);
                }
            }
            Message::Spawned(id, incarnation, launcher.spawn(launch).await)
        });
    }

    pub(super) fn not_now(&mut self, id: &AgentId, incarnation: &Incarnation) {
        let until = self.now() + STOPPED_AGAIN;
        let Some(agent) = self.agents.get_mut(id).filter(|agent| agent.incarnation.as_ref() == Some(incarnation)) else { return };
        agent.incarnation = None;
        if matches!(agent.life.phase(), Phase::Stopping { .. }) {
            self.over(id, Diagnosis::new(Reason::Requested, "it was never started"));
            return;
        }
        agent.life.postpone(until);
        for waiting in agent.await_start.drain(..) {
            let refusal =
                Error::new(crate::ErrorKind::Stopped, "everything is stopped: it starts once the stop switch is lifted");
            let _nobody_waits = waiting.send(Err(refusal));
        }
    }

    pub(super) fn spawned(
        &mut self,
        id: &AgentId,
        incarnation: &Incarnation,
        outcome: Result<Arc<dyn AgentProcess>, StartError>,
    ) {
        let is_current = self.agents.get(id).is_some_and(|agent| agent.incarnation.as_ref() == Some(incarnation));
        match outcome {
            Ok(process) if is_current => self.has_process(id, process),
            Ok(process) => {
                // Nobody knows the agent any more.
                tokio::spawn(async move { process.terminate(Duration::ZERO).await });
            }
            Err(_) if !is_current => {}
            Err(failed) => {
                let mut diagnosis = diagnose(&Evidence::of(Err(failed.failure)));
                diagnosis.detail = failed.error.to_string();
                if let Some(agent) = self.agents.get_mut(id) {
                    agent.incarnation = None;
                    for waiting in agent.await_start.drain(..) {
                        let refusal = Error::new(failed.error.kind(), failed.error.to_string()).with("agent_id", id);
                        let _nobody_waits = waiting.send(Err(refusal));
                    }
                }
                self.over(id, diagnosis);
            }
        }
    }

    fn has_process(&mut self, id: &AgentId, process: Arc<dyn AgentProcess>) {
        let (now, wall) = (self.now(), self.wall());
        let Some(agent) = self.agents.get_mut(id) else { return };
        agent.life.started(now);
        agent.vitals.begun(now);
        if agent.definition.health_url.is_none() {
            agent.vitals.ready_by_itself(now);
        }
        agent.began = Some(now);
        agent.next_probe = now;
        agent.memory = crate::supervisor::MemoryReading::default();
        agent.memory.limit = agent.definition.limits.memory_bytes();
        let record = process.record().clone();
        let pid = record.identity.as_ref().map(|identity| identity.number());
        let note = record.identity.as_ref().map(|identity| ProcessNote {
            pid: identity.number(),
            incarnation: record.incarnation.to_string(),
            boot: identity.boot.clone(),
        });
        self.journal.note(Note::Process(id.clone(), note));
        if let Some(cause) = agent.restart_cause.take() {
            agent.restarts += 1;
            agent.unsettled = Some(wall);
            self.journal.note(Note::Restart(RestartNote {
                agent: id.clone(),
                reason: cause.diagnosis.reason.as_str(),
                detail: cause.diagnosis.detail,
                pid_before: cause.pid,
                pid_after: pid,
                at: wall,
            }));
        }
        for waiting in agent.await_start.drain(..) {
            let _nobody_waits = waiting.send(Ok(()));
        }
        let is_stopping = matches!(agent.life.phase(), Phase::Stopping { .. });
        agent.process = Some(Arc::clone(&process));
        self.tell("agent.started", id, json!({ "pid": pid, "incarnation": record.incarnation }));
        self.watch(id, process);
        if is_stopping {
            self.end_process(id);
        }
    }

    /// Waits beside the loop for the end of a process.
    pub(super) fn watch(&self, id: &AgentId, process: Arc<dyn AgentProcess>) {
        let (id, launcher) = (id.clone(), Arc::clone(&self.launcher));
        self.beside(async move {
            let end = process.ended().await;
            let record = process.record();
            let tail = launcher.log_tail(&id, &record.incarnation, TAIL).await;
            Message::Ended(id, record.incarnation.clone(), end, tail)
        });
    }

    /// Does what an agent's life asks for.
    pub(super) fn carry_out(&mut self, id: &AgentId, orders: impl IntoIterator<Item = Order>) {
        for order in orders {
            match order {
                Order::Spawn => {}
                Order::Stop(reason) => {
                    if let Some(agent) = self.agents.get_mut(id) {
                        agent.ordered = Some(reason);
                    }
                    self.tell("agent.stopping", id, json!({ "reason": reason }));
                    self.end_process(id);
                }
                Order::Verified(after) => self.settle(id, Some(after)),
                Order::NotVerified => self.settle(id, None),
            }
        }
    }

    fn end_process(&self, id: &AgentId) {
        let Some(agent) = self.agents.get(id) else { return };
        // One that is being made is ended once it is there.
        let Some(process) = agent.process.clone() else { return };
        let (id, grace) = (id.clone(), agent.definition.stop_grace());
        self.beside(async move {
            let stopped = process.terminate(grace).await;
            Message::Stopped(id, process.record().incarnation.clone(), stopped)
        });
    }

    /// A start is proven good after this long, or is known to be bad.
    fn settle(&mut self, id: &AgentId, after: Option<Duration>) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        let millis = after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        if let Some(at) = agent.unsettled.take() {
            self.journal.note(Note::Settled(id.clone(), at, after.is_some(), millis));
            let kind = if after.is_some() { "agent.recovery_verified" } else { "agent.recovery_failed" };
            self.tell(kind, id, json!({ "after_ms": millis }));
        }
        if after.is_some()
            && let Some((cause, others)) = self.hold.proven(id)
        {
            self.tell("agent.hold_over", id, json!({ "cause": cause.to_string() }));
            let now = self.now();
            for other in others {
                if let Some(agent) = self.agents.get_mut(&other) {
                    agent.life.release(now);
                }
            }
        }
    }

    /// An agent has no process any more, or got none, for this reason: what follows from that is decided and written down.
    pub(super) fn over(&mut self, id: &AgentId, mut diagnosis: Diagnosis) {
        let (now, wall) = (self.now(), self.wall());
        diagnosis = self.shared_cause(id, diagnosis);
        let Some(agent) = self.agents.get_mut(id) else { return };
        let was = agent.life.circuit().state(now);
        let pid = agent.pid().map(i64::from);
        if let Some(process) = agent.process.take() {
            // Only whoever takes note of the end forgets the record: one that leaves its agents leaves their records too.
            let launcher = Arc::clone(&self.launcher);
            tokio::spawn(async move { launcher.forget(process.record()).await });
        }
        let orders = agent.life.ended(diagnosis.reason, now, random(), &self.config.lifecycle);
        agent.vitals.ended(agent.life.wanted() == crate::supervisor::Wanted::Running, now);
        agent.incarnation = None;
        agent.ordered = None;
        agent.began = None;
        agent.memory_now = None;
        agent.last_exit = Some(super::view::LastExit {
            reason: diagnosis.reason,
            detail: diagnosis.detail.clone(),
            hint: diagnosis.reason.hint(),
            at: wall,
        });
        let (status, circuit) = (agent.status(now), agent.life.circuit().clone());
        let comes_back = matches!(agent.life.phase(), Phase::Waiting { .. } | Phase::Held);
        // The process that was there before a start that failed is still the one before.
        let before = agent.restart_cause.take().and_then(|cause| cause.pid);
        agent.restart_cause = comes_back.then(|| RestartCause { diagnosis: diagnosis.clone(), pid: pid.or(before) });
        self.journal.note(Note::Process(id.clone(), None));
        self.tell(
            "agent.ended",
            id,
            json!({ "reason": diagnosis.reason, "detail": diagnosis.detail, "pid": pid, "then": status, "failures": circuit.failures() }),
        );
        self.carry_out(id, orders);
        self.escalate(id, &diagnosis, was, &circuit);
        if self.agents.get(id).is_some_and(|agent| agent.is_leaving) {
            self.agents.remove(id);
            self.hold.forget(id);
        }
    }
}
