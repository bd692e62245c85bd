//! A run: the steps of a fired slot, one after the other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::handle::Inner;
use super::store::{self, Ending};
use super::{ChainStep, Job, SlotStatus, StepRecord, slot_text};
use crate::routing::RouteRequest;
use crate::{Envelope, Error, ErrorKind, Event, Id, Outcome, Result, Timestamp, events};

/// Whether a run is good without a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Needed,
    Optional,
}

/// A slot that this process fired.
pub(super) struct Run {
    pub(super) id: Id,
    pub(super) slot: Timestamp,
    pub(super) job: Job,
}

impl Run {
    /// Runs the steps and records what became of them. The row says all along that somebody is at work.
    pub(super) async fn carry_out(self, inner: Arc<Inner>) {
        let began = inner.clock.monotonic();
        let mut records = Vec::with_capacity(self.job.chain.len());
        let steps = async {
            for (index, step) in self.job.chain.iter().enumerate() {
                let spent = inner.clock.monotonic().saturating_sub(began);
                let at = inner.clock.now();
                let envelope = self.step(&inner, index, step, spent).await;
                let need = if step.optional { Need::Optional } else { Need::Needed };
                records.push(StepRecord::new(at, need, envelope));
                if index + 1 < self.job.chain.len() {
                    complain(self.keep(&inner, &records).await, "the steps of a run cannot be kept");
                }
            }
        };
        tokio::select! {
            () = steps => {}
            () = self.stay_alive(&inner) => {}
        }
        let duration = inner.clock.monotonic().saturating_sub(began);
        let (status, reason) = judge(&records);
        complain(self.finish(&inner, status, reason, duration, &records).await, "the end of a run cannot be recorded");
    }

    async fn step(&self, inner: &Inner, index: usize, step: &ChainStep, spent: Duration) -> Envelope {
        let request = RouteRequest::new(step.action.clone(), step.params.clone());
        let left = self.job.timeout.saturating_sub(spent);
        let refusal = if inner.stopping.is_cancelled() {
            Some(Error::new(ErrorKind::Stopped, "the process was ending: the step was not started"))
        } else if left.is_zero() {
            Some(Error::new(ErrorKind::Timeout, "the time of the run was over: the step was not started"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let mut envelope = Envelope::new(step.action.clone(), request.request_id);
            envelope.fail(&refusal);
            return envelope;
        }
        // The slot is part of the key: whatever repeats the slot finds the step done.
        let key = format!("cron:{}:{}:{index}:{}", self.job.name, slot_text(self.slot), step.action);
        let request = request.with_idempotency_key(key);
        let request = match step.timeout {
            Some(timeout) => request.with_timeout(timeout.min(left)),
            None => request.with_timeout(left.min(inner.deadline)),
        };
        inner.orchestrator.route(request).await
    }

    async fn stay_alive(&self, inner: &Inner) {
        loop {
            tokio::time::sleep(inner.config.lease / 4).await;
            let (id, runner, ttl, now) = (self.id, inner.runner.clone(), inner.config.lease, inner.clock.now());
            let said =
                inner.store.write(move |mut db| Box::pin(async move { store::lease(&mut db, id, &runner, ttl, now).await }));
            complain(said.await, "the lease of a run cannot be renewed");
        }
    }

    async fn keep(&self, inner: &Inner, records: &[StepRecord]) -> Result<()> {
        let (id, runner, steps) = (self.id, inner.runner.clone(), written(records)?);
        let kept =
            inner.store.write(move |mut db| Box::pin(async move { store::keep_steps(&mut db, id, &runner, &steps).await }));
        kept.await
    }

    async fn finish(
        &self,
        inner: &Inner,
        status: SlotStatus,
        reason: Option<String>,
        duration: Duration,
        records: &[StepRecord],
    ) -> Result<()> {
        let (id, runner, steps) = (self.id, inner.runner.clone(), written(records)?);
        let data = json!({ "slot": self.slot, "status": status, "reason": reason, "steps": records.len() });
        let event = Event::new(inner.clock.now(), "cron.finished", self.job.name.as_str()).with_data(data);
        let finished = inner.store.write(move |mut db| {
            Box::pin(async move {
                let ending = Ending { status, duration, reason: reason.as_deref(), steps: &steps };
                store::finish(&mut db, id, &runner, &ending).await?;
                events::append(&mut db, &event).await
            })
        });
        finished.await?;
        inner.events.announce();
        Ok(())
    }
}

/// A run is good when every step that matters is; otherwise the first of those that are not says why. A step that was queued is
/// accepted and has not run: the reason says so.
fn judge(records: &[StepRecord]) -> (SlotStatus, Option<String>) {
    let bad: Vec<_> = records.iter().enumerate().filter(|(_, record)| !record.optional && !record.envelope.ok).collect();
    let Some((index, first)) = bad.first() else { return (SlotStatus::Ok, queued(records)) };
    let word = first.envelope.error.map_or("failed", ErrorKind::code);
    let detail = first.envelope.detail.as_deref().unwrap_or_default();
    let (step, action, count) = (index + 1, &first.envelope.action, bad.len());
    (SlotStatus::Failed, Some(format!("{count} of {} steps: step {step} {action}: {word}: {detail}", records.len())))
}

/// Which steps wait for the local machine; what becomes of them shows under their keys.
fn queued(records: &[StepRecord]) -> Option<String> {
    let queued: Vec<_> = records.iter().enumerate().filter(|(_, record)| record.envelope.outcome == Outcome::Queued).collect();
    let (index, first) = queued.first()?;
    let (step, action, count) = (index + 1, &first.envelope.action, queued.len());
    let key = first.envelope.idempotency_key.as_deref().unwrap_or_default();
    let steps = records.len();
    Some(format!("{count} of {steps} steps queued for the local machine, not run yet: step {step} {action}: see call {key}"))
}

fn written(records: &[StepRecord]) -> Result<String> {
    serde_json::to_string(records)
        .map_err(|source| Error::new(ErrorKind::Internal, "the steps of a run cannot be written").with_source(source))
}

pub(super) fn complain(outcome: Result<()>, what: &'static str) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(need: Need, error: Option<ErrorKind>) -> StepRecord {
        let mut envelope = Envelope::new("dm.stats".parse().expect("a name"), Id::new());
        envelope.ok = error.is_none();
        if let Some(kind) = error {
            envelope.fail(&Error::new(kind, "not this time"));
        }
        StepRecord::new("2026-11-20T06:00:00Z".parse().expect("a time"), need, envelope)
    }

    #[test]
    fn a_run_is_good_when_every_step_that_matters_is() {
        let good = [record(Need::Needed, None), record(Need::Optional, Some(ErrorKind::Offline))];
        assert_eq!(judge(&good), (SlotStatus::Ok, None));
        let bad = [record(Need::Needed, None), record(Need::Needed, Some(ErrorKind::Stopped)), record(Need::Needed, None)];
        let (status, reason) = judge(&bad);
        assert_eq!(
            (status, reason.as_deref()),
            (SlotStatus::Failed, Some("1 of 3 steps: step 2 dm.stats: stopped: not this time"))
        );
    }

    #[test]
    fn a_run_whose_steps_were_only_queued_says_so() {
        let mut waits = record(Need::Needed, None);
        (waits.envelope.outcome, waits.envelope.idempotency_key) = (Outcome::Queued, Some("cron:x:1".to_owned()));
        let (status, reason) = judge(&[record(Need::Needed, None), waits.clone()]);
        let said = "1 of 2 steps queued for the local machine, not run yet: step 2 dm.stats: see call cron:x:1";
        assert_eq!((status, reason.as_deref()), (SlotStatus::Ok, Some(said)));
        let (status, reason) = judge(&[waits, record(Need::Needed, Some(ErrorKind::Stopped))]);
        assert!(status == SlotStatus::Failed && reason.is_some_and(|reason| reason.contains("stopped")));
    }

    #[test]
    fn a_large_result_is_replaced_by_its_size() {
        let mut envelope = Envelope::new("dm.stats".parse().expect("a name"), Id::new());
        envelope.result = Some(json!("x".repeat(20_000)));
        let kept = StepRecord::new("2026-11-20T06:00:00Z".parse().expect("a time"), Need::Needed, envelope);
        assert_eq!(kept.envelope.result.expect("a result")["bytes"], 20_002);
    }
}
