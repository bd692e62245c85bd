//! After a try that did not say that the call ran: whose is its row by now?
//!
//! # Law
//! Where whoever received the call uses this journal, it has taken the row over, and what it writes there counts: more than its answer,
//! which may be lost, and more than that of a proxy in between. Only a row that says "not executed" is claimed anew; a claim that was
//! handed over lets nothing leave.

use super::Orchestrator;
use super::flight::Flight;
use crate::approval::ApprovalState;
use crate::ledger::{AttemptId, Begun, CallRecord, CallState, Claim, Fingerprint, IdempotencyKey};
use crate::routing::Execution;
use crate::{Envelope, Error, ErrorKind, Outcome, Result, Retry, Side};

impl Orchestrator {
    /// What became of a try, once the journals have been asked: our own, which the other side may share, then the other side's.
    pub(super) async fn after_forwarding(
        &self,
        flight: &mut Flight,
        side: Side,
        attempt: &mut Option<AttemptId>,
        execution: Execution,
    ) -> Execution {
        let is_open = matches!(execution.outcome, Outcome::NotExecuted | Outcome::Unknown);
        let Some(claim) = flight.claim.clone().filter(|_| is_open) else { return execution };
        match flight.in_time(&self.parts, Box::pin(self.parts.ledger.taken_from(&claim))).await {
            Ok(Some(record)) => Box::pin(self.follow(flight, attempt, record, execution)).await,
            Ok(None) => self.ask_the_other_journal(flight, side, execution).await,
            Err(error) => {
                tracing::warn!(%error, key = %claim.key, "whose the call is cannot be read");
                self.ask_the_other_journal(flight, side, execution).await
            }
        }
    }

    /// The row is somebody else's: what it says counts.
    async fn follow(
        &self,
        flight: &mut Flight,
        attempt: &mut Option<AttemptId>,
        record: CallRecord,
        execution: Execution,
    ) -> Execution {
        match record.state {
            CallState::Running => {
                flight.is_elsewhere = true;
                running_elsewhere(execution)
            }
            CallState::NotExecuted => self.claim_again(flight, attempt, record, execution).await,
            CallState::Waiting | CallState::Executed | CallState::Unknown | CallState::Queued => {
                record.envelope.map_or(execution, told)
            }
        }
    }

    /// Whoever had the row did not run the call: with a new claim it may be tried again, here or there.
    async fn claim_again(
        &self,
        flight: &mut Flight,
        attempt: &mut Option<AttemptId>,
        record: CallRecord,
        execution: Execution,
    ) -> Execution {
        let begin = flight.begin(record.idempotency_key);
        match flight.in_time(&self.parts, self.parts.ledger.begin(begin)).await {
            Ok(Begun::Started(claim)) => {
                flight.claim = Some(claim);
                // The try ended with the claim that carried it.
                (flight.last_try, *attempt) = (None, None);
                if execution.outcome == Outcome::Unknown { record.envelope.map_or(execution, told) } else { execution }
            }
            Ok(Begun::Replay(stored) | Begun::Held(stored) | Begun::Waiting(stored)) => told(stored),
            Err(error) if error.kind() == ErrorKind::IdempotencyConflict => {
                flight.is_elsewhere = true;
                Execution::failed(Outcome::Unknown, error.with_retry(Retry::Never))
            }
            // The old claim is lost, so that nothing more leaves.
            Err(error) => {
                tracing::warn!(%error, "the call could not be claimed again");
                execution
            }
        }
    }

    /// Whether the row of this claim is somebody else's by now.
    pub(super) async fn is_elsewhere(&self, claim: &Claim) -> bool {
        matches!(self.parts.ledger.taken_from(claim).await, Ok(Some(_)))
    }

    /// Whether the process that handed the claim over has used a person's agreement up for this very call.
    pub(super) async fn is_agreed_elsewhere(&self, flight: &Flight, key: &IdempotencyKey, print: &Fingerprint) -> Result<bool> {
        if !flight.claim.as_ref().is_some_and(Claim::was_handed_over) {
            return Ok(false);
        }
        let asked = self.parts.approvals.latest(key.as_str()).await?;
        Ok(asked.is_some_and(|asked| asked.state == ApprovalState::Consumed && asked.fingerprint == print.as_str()))
    }
}

/// It runs under somebody else's claim, whatever the answer said.
fn running_elsewhere(execution: Execution) -> Execution {
    if execution.outcome == Outcome::Unknown {
        return execution;
    }
    let detail = "whoever received the call works on it: its answer will be found under the key";
    Execution::failed(Outcome::Unknown, Error::new(ErrorKind::IdempotencyConflict, detail).with_retry(Retry::Never))
}

/// What a stored answer says of the call.
fn told(envelope: Envelope) -> Execution {
    let Envelope { ok, outcome, result, error, detail, suggestions, .. } = envelope;
    let mut execution = Execution::done(result.unwrap_or_default());
    if !ok {
        let detail = detail.unwrap_or_else(|| "the call failed without a reason".to_owned());
        execution.result = Err(Error::new(error.unwrap_or(ErrorKind::HandlerError), detail));
    }
    execution.outcome = outcome;
    execution.with_suggestions(suggestions)
}
