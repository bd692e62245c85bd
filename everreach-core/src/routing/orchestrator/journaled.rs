//! The path of a call that must not happen twice: key, journal, decision, person, tries, journal.

use std::time::Duration;

use super::Orchestrator;
use super::flight::{Flight, LEASE_MARGIN};
use super::person::Agreement;
use crate::ledger::{AttemptEnd, Begun, Claim, Ledger, way_to_look, ways_to_resolve};
use crate::routing::Target;
use crate::{Envelope, Error, ErrorKind, Outcome, Result};

const FINISH_PAUSE: Duration = Duration::from_millis(500);

impl Orchestrator {
    pub(super) async fn route_journaled(&self, mut flight: Flight) -> Envelope {
        match self.begin(&mut flight).await {
            Ok(Begun::Started(claim)) => self.run_claimed(flight, claim).await,
            Ok(Begun::Waiting(stored)) => self.run_waiting(flight, stored).await,
            Ok(Begun::Held(stored)) => self.run_held(flight, stored).await,
            Ok(Begun::Replay(stored)) => self.up_to_date(&flight, stored).await,
            Err(error) => self.give_up(flight, &error),
        }
    }

    async fn begin(&self, flight: &mut Flight) -> Result<Begun> {
        let key = flight.make_key(self.parts.clock.now())?;
        flight.journaled_under(&key);
        flight.in_time(&self.parts, self.parts.ledger.begin(flight.begin(key))).await
    }

    /// Nothing is in the journal under our name: answer and leave an event.
    pub(super) fn give_up(&self, mut flight: Flight, error: &Error) -> Envelope {
        flight.envelope.fail(error);
        flight.close(&self.parts);
        self.parts.events.record(flight.finished_event(self.parts.clock.now()));
        flight.envelope
    }

    /// Nobody knows whether the call ran; unless the other side's journal does by now.
    async fn run_held(&self, mut flight: Flight, stored: Envelope) -> Envelope {
        let known = match flight.make_key(self.parts.clock.now()) {
            Ok(key) => self.resolve_held(&flight, &key).await,
            Err(error) => Err(error),
        };
        match known {
            Ok(Some(proven)) if proven.outcome == Outcome::NotExecuted => match self.begin(&mut flight).await {
                Ok(Begun::Started(claim)) => self.run_claimed(flight, claim).await,
                Ok(_) => proven,
                Err(error) => self.give_up(flight, &error),
            },
            Ok(Some(proven)) => proven,
            Ok(None) => stored,
            Err(error) => {
                tracing::warn!(%error, "whether the call is proven elsewhere could not be found out");
                stored
            }
        }
    }

    /// The row is ours: decide, ask a person if need be, run, and write down what became of it.
    pub(super) async fn run_claimed(&self, mut flight: Flight, claim: Claim) -> Envelope {
        let parts = &*self.parts;
        flight.claim = Some(claim.clone());
        // Weighed as if a person had agreed: a call that would be refused anyway must not use up the agreement.
        match self.decide(&flight, true, &mut |_, _, _| {}).await {
            Ok(decision) => {
                flight.decided(&decision);
                parts.events.record(flight.decided_event(parts.clock.now()));
                let runs = matches!(decision.target, Target::Run(_) | Target::Queue);
                match if runs { self.agreement(&flight, &claim.key).await } else { Ok(Agreement::Given) } {
                    Ok(Agreement::Given) => self.carry_out(&mut flight, &decision).await,
                    Ok(Agreement::Awaited(answer)) => return self.wait_for_person(flight, &claim, *answer).await,
                    Ok(Agreement::Refused(error)) | Err(error) => flight.envelope.fail(&error),
                }
            }
            Err(error) => flight.envelope.fail(&error),
        }
        if flight.envelope.outcome == Outcome::Unknown && flight.claim.is_some() && !flight.route.effect.is_repeatable() {
            flight.envelope.suggestions = if flight.is_elsewhere { way_to_look(&claim.key) } else { ways_to_resolve(&claim.key) };
        }
        flight.close(parts);
        if let Some(claim) = flight.claim.clone() {
            self.finish(&mut flight, &claim).await;
        }
        flight.envelope
    }

    /// Writes the answer into the journal. While the database is away the caller gets the answer all the same, and the writing goes
    /// on for as long as the lease lasts. Should even that not work out, the call is held as unknown, which is safe.
    async fn finish(&self, flight: &mut Flight, claim: &Claim) {
        let last_try = flight.last_try.take();
        match self.parts.ledger.finish(claim, last_try.clone(), &flight.envelope).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                tracing::warn!(%error, key = %claim.key, "the call's answer waits for the database");
                let (ledger, claim, envelope) = (self.parts.ledger.clone(), claim.clone(), flight.envelope.clone());
                self.parts.tasks.spawn(finish_later(ledger, claim, last_try, envelope));
            }
            // Whoever the call was forwarded to has its row, and the answer.
            Err(error) if error.kind() == ErrorKind::Conflict && self.is_elsewhere(claim).await => {
                tracing::debug!(%error, key = %claim.key, "the call's answer is written elsewhere");
            }
            Err(error) => tracing::error!(?error, key = %claim.key, "the call's answer is not in the journal"),
        }
    }
}

async fn finish_later(ledger: Ledger, claim: Claim, last_try: Option<AttemptEnd>, envelope: Envelope) {
    let keep_trying = async {
        loop {
            tokio::time::sleep(FINISH_PAUSE).await;
            match ledger.finish(&claim, last_try.clone(), &envelope).await {
                Err(error) if error.kind() == ErrorKind::StoreUnavailable => {}
                finished => return finished,
            }
        }
    };
    match tokio::time::timeout(LEASE_MARGIN, keep_trying).await {
        Ok(Ok(())) => {}
        outcome => tracing::error!(?outcome, key = %claim.key, "the call's answer is not in the journal"),
    }
}
