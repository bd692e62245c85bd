//! The path of a call that must not happen twice: key, journal, decision, person, tries, journal.

use std::time::Duration;

use super::Orchestrator;
use super::flight::Flight;
use crate::approval::{Approval, ApprovalRequest, ApprovalState, Consumption};
use crate::ledger::{Begun, Claim, IdempotencyKey, fingerprint};
use crate::routing::{RouteRequest, Target};
use crate::{Envelope, Error, ErrorKind, Id, Result};

const FINISH_TRIES: u32 = 5;
const FINISH_PAUSE: Duration = Duration::from_millis(500);

/// What a person has said about the call.
enum Agreement {
    Given,
    /// Not yet: the answer that says so.
    Awaited(Box<Envelope>),
    Refused(Error),
}

impl Orchestrator {
    pub(super) async fn route_journaled(&self, mut flight: Flight) -> Envelope {
        match self.begin(&mut flight).await {
            Ok(Begun::Started(claim)) => self.run_claimed(flight, claim).await,
            Ok(Begun::Waiting(stored)) => self.run_waiting(flight, stored).await,
            Ok(Begun::Replay(stored) | Begun::Held(stored)) => stored,
            Err(error) => self.give_up(flight, &error),
        }
    }

    async fn begin(&self, flight: &mut Flight) -> Result<Begun> {
        let key = flight.make_key(self.parts.clock.now())?;
        flight.journaled_under(&key);
        flight.in_time(&self.parts, self.parts.ledger.begin(flight.begin(key))).await
    }

    /// Nothing is in the journal under our name: answer and leave an event.
    fn give_up(&self, mut flight: Flight, error: &Error) -> Envelope {
        flight.envelope.fail(error);
        flight.close(&self.parts);
        self.parts.events.record(flight.finished_event(self.parts.clock.now()));
        flight.envelope
    }

    /// The call waits for a person. Once that person has spoken, whoever asks next goes on with it.
    async fn run_waiting(&self, flight: Flight, stored: Envelope) -> Envelope {
        let key = match flight.make_key(self.parts.clock.now()) {
            Ok(key) => key,
            Err(error) => return self.give_up(flight, &error),
        };
        match self.parts.approvals.latest(key.as_str()).await {
            Ok(Some(approval)) if approval.state == ApprovalState::Pending && approval.expires_at > self.parts.clock.now() => {
                stored
            }
            Ok(_) => match self.parts.ledger.resume(flight.begin(key)).await {
                Ok(claim) => self.run_claimed(flight, claim).await,
                // Somebody else was quicker to go on with it.
                Err(error) if error.kind() == ErrorKind::Conflict => stored,
                Err(error) => self.give_up(flight, &error),
            },
            Err(error) => self.give_up(flight, &error),
        }
    }

    /// The row is ours: decide, ask a person if need be, run, and write down what became of it.
    async fn run_claimed(&self, mut flight: Flight, claim: Claim) -> Envelope {
        let parts = &*self.parts;
        flight.claim = Some(claim.clone());
        // Weighed as if a person had agreed: a call that would be refused anyway must not use up the agreement.
        match self.decide(&flight, true, &mut |_, _, _| {}).await {
            Ok(decision) => {
                flight.decided(&decision);
                parts.events.record(flight.decided_event(parts.clock.now()));
                let runs = matches!(decision.target, Target::Run(_));
                match if runs { self.agreement(&flight, &claim.key).await } else { Ok(Agreement::Given) } {
                    Ok(Agreement::Given) => self.carry_out(&mut flight, &decision).await,
                    Ok(Agreement::Awaited(answer)) => return self.wait_for_person(flight, &claim, *answer).await,
                    Ok(Agreement::Refused(error)) | Err(error) => flight.envelope.fail(&error),
                }
            }
            Err(error) => flight.envelope.fail(&error),
        }
        flight.close(parts);
        self.finish(&mut flight, &claim).await;
        flight.envelope
    }

    /// Uses the agreement up, or asks for one.
    async fn agreement(&self, flight: &Flight, key: &IdempotencyKey) -> Result<Agreement> {
        if !flight.route.approval {
            return Ok(Agreement::Given);
        }
        let print = fingerprint(&flight.route.action, &flight.call.params);
        let refused = |text| Ok(Agreement::Refused(Error::new(ErrorKind::ApprovalRequired, text)));
        match self.parts.approvals.consume(key.as_str(), print.as_str()).await? {
            Consumption::Approved(_) => Ok(Agreement::Given),
            Consumption::Denied(_) => refused("a person said no to this call"),
            Consumption::Expired(_) => refused("nobody agreed in time, which counts as no: send the call again to ask anew"),
            Consumption::Pending(approval) => Ok(Agreement::Awaited(Box::new(awaiting(flight, &approval)))),
            _ => {
                let (action, params) = (flight.route.action.clone(), flight.call.params.clone());
                let approval =
                    self.parts.approvals.request(ApprovalRequest::call(action, params, key.as_str(), print.as_str())).await?;
                Ok(Agreement::Awaited(Box::new(awaiting(flight, &approval))))
            }
        }
    }

    async fn wait_for_person(&self, mut flight: Flight, claim: &Claim, answer: Envelope) -> Envelope {
        flight.envelope = answer;
        flight.close(&self.parts);
        match self.parts.ledger.wait_for_approval(claim, &flight.envelope).await {
            Ok(()) => flight.envelope,
            Err(error) => self.give_up(flight, &error),
        }
    }

    /// Writes the answer into the journal. Should that not work out, the row stays "dispatched" and its lease decides: the call
    /// is then held as unknown, which is safe.
    async fn finish(&self, flight: &mut Flight, claim: &Claim) {
        let last_try = flight.last_try.take();
        for left in (0..FINISH_TRIES).rev() {
            match self.parts.ledger.finish(claim, last_try.clone(), &flight.envelope).await {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::StoreUnavailable && left > 0 => tokio::time::sleep(FINISH_PAUSE).await,
                Err(error) => {
                    tracing::error!(?error, key = %claim.key, "the call's answer is not in the journal");
                    return;
                }
            }
        }
    }

    /// A person agrees: the stored call runs now, once, and this is its answer.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown id, [`ErrorKind::Conflict`] when it is decided or expired; or the store's.
    pub async fn approve(&self, id: Id) -> Result<Envelope> {
        let approval = self.parts.approvals.approve(id).await?;
        Ok(self.run_approved(approval).await)
    }

    /// Runs a call that a person has agreed to; also after a restart that came between the agreement and the run.
    pub async fn run_approved(&self, approval: Approval) -> Envelope {
        let request = RouteRequest::new(approval.action, approval.params).with_idempotency_key(approval.idempotency_key);
        self.route(request).await
    }
}

fn awaiting(flight: &Flight, approval: &Approval) -> Envelope {
    let mut envelope = flight.envelope.clone();
    let error = Error::new(ErrorKind::ApprovalRequired, "a person has to agree to this call").with("approval", approval.id);
    envelope.fail(&error);
    envelope.suggestions = vec![format!("everreach approvals approve {}", approval.id)];
    envelope
}
