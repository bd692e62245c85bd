//! Trying one side: as often as that is safe, each try with its own reservation and its own line in the journal.

use std::time::Duration;

use super::Orchestrator;
use super::flight::Flight;
use super::money::HeldMoney;
use crate::breaker::Permit;
use crate::ledger::{AttemptEnd, AttemptId};
use crate::retry::{Attempt, Next, decide};
use crate::routing::{Execution, Executor};
use crate::{Error, ErrorKind, Outcome, Result, Side};

/// An executor that overruns its time by more than this is abandoned.
const GRACE: Duration = Duration::from_millis(500);

/// What a try holds while it runs.
struct Held {
    money: Option<HeldMoney>,
    attempt: Option<AttemptId>,
    permit: Option<Permit>,
}

impl Orchestrator {
    /// Runs the call on one side until it succeeds, fails for good, or may not be repeated.
    pub(super) async fn run_on(&self, flight: &mut Flight, side: Side) -> Execution {
        let parts = &*self.parts;
        let Some(executor) = self.executor(side) else {
            let error = Error::new(ErrorKind::Unreachable, "no cloud is configured: set CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY");
            return Execution::failed(Outcome::NotExecuted, error);
        };
        if side == Side::Cloud {
            parts.retry_budget.deposit();
        }
        let (mut number, mut in_doubt) = (1, false);
        loop {
            let mut execution = self.try_once(flight, side, executor).await;
            in_doubt |= execution.outcome == Outcome::Unknown;
            match self.wait_before_next(flight, side, &execution, number) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    if in_doubt && execution.outcome == Outcome::NotExecuted {
                        // The last try did not run, but one before it may have.
                        execution.outcome = Outcome::Unknown;
                    }
                    return execution;
                }
            }
            number += 1;
        }
    }

    /// How long until the next try; `None` when there is none.
    fn wait_before_next(&self, flight: &Flight, side: Side, execution: &Execution, number: u32) -> Option<Duration> {
        let parts = &*self.parts;
        let error = execution.result.as_ref().err()?;
        // Only the way to another machine is tried again; what failed here fails at once.
        if side == Side::Local || parts.config.is_cloud_terminal {
            return None;
        }
        let mut last = Attempt::failed(execution.outcome, error);
        last.number = number;
        last.effect = flight.route.effect;
        last.elapsed = flight.elapsed(parts);
        last.deadline = flight.allowed();
        match decide(&last, &parts.retry_policy, rand::random()) {
            Next::Again(wait) if parts.retry_budget.try_withdraw() => Some(wait),
            _ => None,
        }
    }

    pub(super) fn executor(&self, side: Side) -> Option<&dyn Executor> {
        match side {
            Side::Cloud if !self.parts.config.is_cloud_terminal => self.parts.cloud.as_deref(),
            _ => Some(&*self.parts.local),
        }
    }

    async fn try_once(&self, flight: &mut Flight, side: Side, executor: &dyn Executor) -> Execution {
        let mut held = match self.prepare(flight, side).await {
            Ok(held) => held,
            Err(error) => {
                flight.envelope.cost_guard_triggered |= error.kind() == ErrorKind::CostCapExceeded;
                let is_lost = error.kind() == ErrorKind::Conflict;
                let refused = Execution::failed(Outcome::NotExecuted, error);
                return if is_lost { self.after_forwarding(flight, side, &mut None, refused).await } else { refused };
            }
        };
        let usual = flight.route.timeout.unwrap_or(self.parts.config.try_timeout);
        flight.call.timeout = usual.min(flight.remaining(&self.parts));
        let tried = tokio::time::timeout(flight.call.timeout + GRACE, executor.execute(&flight.call)).await;
        let execution = tried.unwrap_or_else(|_| overrun(flight));
        let execution = self.after_forwarding(flight, side, &mut held.attempt, execution).await;
        self.conclude(flight, held, &execution).await;
        execution
    }

    /// Everything that must hold before a byte leaves: time left, a circuit that is closed, money held, a line in the journal.
    async fn prepare(&self, flight: &mut Flight, side: Side) -> Result<Held> {
        let parts = &*self.parts;
        if flight.remaining(parts).is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "the call's time was over before it could be tried"));
        }
        // The decision has looked at the stop switch just now; a wait or another side's answer may lie between it and a later try.
        let is_later_try = flight.envelope.attempts > 0 && !flight.route.effect.is_repeatable();
        if is_later_try && Box::pin(parts.stop.check_now()).await?.stopped {
            return Err(Error::new(ErrorKind::Stopped, "the stop switch was set before the call could be tried again"));
        }
        let is_here = side == Side::Local || parts.config.is_cloud_terminal;
        let permit = is_here.then(|| parts.circuits.permit(&flight.route.action)).transpose()?;
        let money = self.reserve(flight, side).await?;
        let mut held = Held { money, attempt: None, permit };
        flight.envelope.attempts += 1;
        if flight.claim.is_some() {
            match Box::pin(self.mark_dispatched(flight, side)).await {
                Ok(attempt) => held.attempt = attempt,
                Err(error) => {
                    flight.envelope.attempts -= 1;
                    self.close_money(flight, held.money, Outcome::NotExecuted).await;
                    return Err(error);
                }
            }
        }
        Ok(held)
    }

    /// The journal's line for this try, after the end of the one before it.
    async fn mark_dispatched(&self, flight: &mut Flight, side: Side) -> Result<Option<AttemptId>> {
        let Some(claim) = &flight.claim else { return Ok(None) };
        if let Some(end) = &flight.last_try {
            self.parts.ledger.finish_attempt(claim, end.clone()).await?;
            flight.last_try = None;
        }
        let attempt = self.parts.ledger.mark_dispatched(claim, flight.envelope.attempts, side.as_str()).await?;
        flight.call.forwarded = Some(claim.forwarded_by(attempt));
        Ok(Some(attempt))
    }

    async fn conclude(&self, flight: &mut Flight, held: Held, execution: &Execution) {
        if let Some(permit) = held.permit {
            permit.record(&execution.result);
        }
        self.close_money(flight, held.money, execution.outcome).await;
        flight.last_try = held.attempt.map(|attempt| {
            let end = AttemptEnd::new(attempt, execution.outcome);
            execution.result.as_ref().err().map_or(end.clone(), |error| end.with_error(error))
        });
    }
}

/// The executor broke its law and did not come back in time.
fn overrun(flight: &Flight) -> Execution {
    let kind = if flight.route.effect.is_repeatable() { ErrorKind::Timeout } else { ErrorKind::OutcomeUnknown };
    let error = Error::new(kind, "no answer in time").with("timeout_ms", flight.call.timeout.as_millis());
    Execution::failed(Outcome::Unknown, error)
}
