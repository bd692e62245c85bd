//! Trying one side: as often as that is safe, each try with its own reservation and its own line in the journal.

use std::time::Duration;

use super::Orchestrator;
use super::flight::Flight;
use crate::breaker::Permit;
use crate::cost::{CostRequest, Reservation};
use crate::ledger::{AttemptEnd, AttemptId};
use crate::retry::{Attempt, Next, decide};
use crate::routing::{Execution, Executor};
use crate::{Error, ErrorKind, MicroUsd, Outcome, Result, Side};

/// An executor that overruns its time by more than this is abandoned.
const GRACE: Duration = Duration::from_millis(500);

/// What a try holds while it runs.
struct Held {
    reservation: Option<Reservation>,
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
        let mut number = 1;
        loop {
            let execution = self.try_once(flight, side, executor).await;
            let Err(error) = &execution.result else { return execution };
            // Only the way to another machine is tried again; what failed here fails at once.
            if side == Side::Local || parts.config.is_cloud_terminal {
                return execution;
            }
            let mut last = Attempt::failed(execution.outcome, error);
            last.number = number;
            last.effect = flight.route.effect;
            last.elapsed = flight.elapsed(parts);
            last.deadline = flight.allowed();
            match decide(&last, &parts.retry_policy, rand::random()) {
                Next::Again(wait) if parts.retry_budget.try_withdraw() => tokio::time::sleep(wait).await,
                _ => return execution,
            }
            number += 1;
        }
    }

    fn executor(&self, side: Side) -> Option<&dyn Executor> {
        match side {
            Side::Cloud if !self.parts.config.is_cloud_terminal => self.parts.cloud.as_deref(),
            _ => Some(&*self.parts.local),
        }
    }

    async fn try_once(&self, flight: &mut Flight, side: Side, executor: &dyn Executor) -> Execution {
        let held = match self.prepare(flight, side).await {
            Ok(held) => held,
            Err(error) => {
                flight.envelope.cost_guard_triggered |= error.kind() == ErrorKind::CostCapExceeded;
                return Execution::failed(Outcome::NotExecuted, error);
            }
        };
        let usual = flight.route.timeout.unwrap_or(self.parts.config.try_timeout);
        flight.call.timeout = usual.min(flight.remaining(&self.parts));
        let tried = tokio::time::timeout(flight.call.timeout + GRACE, executor.execute(&flight.call)).await;
        let execution = tried.unwrap_or_else(|_| overrun(flight));
        self.conclude(flight, held, &execution).await;
        execution
    }

    /// Everything that must hold before a byte leaves: time left, a circuit that is closed, money held, a line in the journal.
    async fn prepare(&self, flight: &mut Flight, side: Side) -> Result<Held> {
        let parts = &*self.parts;
        if flight.remaining(parts).is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "the call's time was over before it could be tried"));
        }
        let permit = (side == Side::Local).then(|| parts.circuits.permit(&flight.route.action)).transpose()?;
        let reservation = self.reserve(flight, side).await?;
        let mut held = Held { reservation, attempt: None, permit };
        flight.envelope.attempts += 1;
        match self.mark_dispatched(flight, side).await {
            Ok(attempt) => held.attempt = attempt,
            Err(error) => {
                flight.envelope.attempts -= 1;
                self.close_reservation(flight, held.reservation, Outcome::NotExecuted).await;
                return Err(error);
            }
        }
        Ok(held)
    }

    /// The journal's line for this try, after the end of the one before it.
    async fn mark_dispatched(&self, flight: &mut Flight, side: Side) -> Result<Option<AttemptId>> {
        let Some(claim) = &flight.claim else { return Ok(None) };
        if let Some(end) = flight.last_try.take() {
            self.parts.ledger.finish_attempt(claim, end).await?;
        }
        self.parts.ledger.mark_dispatched(claim, flight.envelope.attempts, side.as_str()).await.map(Some)
    }

    /// Only cloud calls are priced. A call that reached the cloud terminal from another EverReach was paid for there.
    async fn reserve(&self, flight: &Flight, side: Side) -> Result<Option<Reservation>> {
        if side == Side::Local || (self.parts.config.is_cloud_terminal && flight.call.hops > 0) {
            return Ok(None);
        }
        let Some(price) = self.price(&flight.route) else {
            return Err(Error::new(
                ErrorKind::Unpriced,
                "nobody stated what this action costs in the cloud: give its route a cost_usd",
            ));
        };
        if price == MicroUsd::ZERO {
            return Ok(None);
        }
        let mut request = CostRequest::new(flight.route.action.clone(), price);
        request.is_essential = flight.route.essential;
        request.call_key = flight.claim.as_ref().map(|claim| claim.key.to_string());
        self.parts.cost.reserve(request).await.map(Some)
    }

    async fn conclude(&self, flight: &mut Flight, held: Held, execution: &Execution) {
        if let Some(permit) = held.permit {
            permit.record(&execution.result);
        }
        self.close_reservation(flight, held.reservation, execution.outcome).await;
        flight.last_try = held.attempt.map(|attempt| {
            let end = AttemptEnd::new(attempt, execution.outcome);
            execution.result.as_ref().err().map_or(end.clone(), |error| end.with_error(error))
        });
    }

    /// Settles what was spent, releases what provably was not. Of a journaled call with an unknown outcome the money stays held.
    async fn close_reservation(&self, flight: &mut Flight, reservation: Option<Reservation>, outcome: Outcome) {
        let Some(reservation) = reservation else { return };
        let closed = match outcome {
            Outcome::NotExecuted => self.parts.cost.release(&reservation).await,
            Outcome::Unknown if flight.claim.is_some() => {
                flight.envelope.cost_usd = flight.envelope.cost_usd.saturating_add(reservation.amount);
                return;
            }
            _ => {
                flight.envelope.cost_usd = flight.envelope.cost_usd.saturating_add(reservation.amount);
                self.parts.cost.settle(&reservation, reservation.amount).await
            }
        };
        if let Err(error) = closed {
            tracing::error!(?error, reservation = %reservation.id, "the reservation stays held until it is reconciled");
        }
    }
}

/// The executor broke its law and did not come back in time.
fn overrun(flight: &Flight) -> Execution {
    let kind = if flight.route.effect.is_repeatable() { ErrorKind::Timeout } else { ErrorKind::OutcomeUnknown };
    let error = Error::new(kind, "no answer in time").with("timeout_ms", flight.call.timeout.as_millis());
    Execution::failed(Outcome::Unknown, error)
}
