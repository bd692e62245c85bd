//! Calls for the local machine: the cloud terminal hands them over, the local machine takes them up.

use super::Orchestrator;
use super::flight::Flight;
use crate::ledger::{Begun, CallState, way_to_look};
use crate::routing::relay::LocalRelay;
use crate::routing::{Route, RouteRequest};
use crate::{Envelope, Error, ErrorKind, Outcome, Result, Side};

impl Orchestrator {
    /// Whoever takes calls of this route to the local machine, when this process is the cloud terminal.
    ///
    /// A read that another EverReach sent is left to that one: it is answered there at once, if it can be at all.
    pub(super) fn relay_for(&self, flight: &Flight) -> Option<&dyn LocalRelay> {
        let is_for_local = |route: &Route| route.requires == Some(Side::Local);
        let stays = flight.call.hops > 0 && flight.route.effect.is_repeatable();
        let relay = self.parts.relay.as_deref().filter(|_| self.parts.config.is_cloud_terminal);
        relay.filter(|_| is_for_local(&flight.route) && !stays)
    }

    /// Leaves the call for the local machine. The relay writes the answer into the journal, so the claim is given up with it.
    pub(super) async fn queue(&self, flight: &mut Flight) {
        let (Some(relay), Some(claim)) = (self.relay_for(flight), flight.claim.clone()) else {
            let error = Error::new(ErrorKind::RequiresLocal, "only the local machine can do this, and nothing is shared with it");
            return flight.envelope.fail(&error);
        };
        let answer = flight.answer_so_far(&self.parts);
        match flight.in_time(&self.parts, relay.queue(&claim, &flight.call, answer)).await {
            Ok(answer) => {
                flight.envelope = answer;
                flight.claim = None;
            }
            // Whether the row was written cannot be told from the error: the journal knows, since both are written together.
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                flight.claim = None;
                match self.parts.ledger.get(&claim.key).await {
                    Ok(Some(record)) if record.state == CallState::Queued && record.envelope.is_some() => {
                        flight.envelope = record.envelope.unwrap_or_else(|| flight.envelope.clone());
                    }
                    _ => {
                        flight.envelope.fail(&error);
                        flight.envelope.outcome = Outcome::Unknown;
                        flight.envelope.suggestions = way_to_look(&claim.key);
                    }
                }
            }
            Err(error) => flight.envelope.fail(&error),
        }
    }

    /// The stored answer of a repeat, after a look at the row of a call that was queued.
    pub(super) async fn up_to_date(&self, flight: &Flight, stored: Envelope) -> Envelope {
        if stored.outcome != Outcome::Queued {
            return stored;
        }
        match self.look_again(flight, &stored).await {
            Ok(Some(mut fresh)) => {
                fresh.replayed = true;
                fresh.request_id = flight.call.request_id;
                fresh
            }
            Ok(None) => stored,
            Err(error) => {
                tracing::warn!(%error, "what became of a queued call could not be looked up");
                stored
            }
        }
    }

    async fn look_again(&self, flight: &Flight, stored: &Envelope) -> Result<Option<Envelope>> {
        let (Some(relay), Some(key)) = (self.parts.relay.as_deref(), &stored.idempotency_key) else { return Ok(None) };
        let key = key.parse()?;
        flight.in_time(&self.parts, relay.settle(&key)).await?;
        Ok(self.parts.ledger.get(&key).await?.and_then(|record| record.envelope))
    }

    /// Runs a call here that a cloud terminal has queued, under the key that it has there. What ran before is replayed, what may have
    /// run is held. The rules were weighed when it was queued, a person's word among them; the stop switch is looked at again.
    pub(crate) async fn run_queued(&self, request: RouteRequest) -> Envelope {
        let route = self.parts.table.current().resolve(&request.action);
        let (action, request_id) = (route.action.clone(), request.request_id);
        let flight = Flight::new(&self.parts, route, request.forced_to(Side::Local));
        let orchestrator = self.clone();
        let call = self.parts.tasks.spawn(async move { Box::pin(orchestrator.take_up(flight)).await });
        call.await.unwrap_or_else(|_| super::route::ended_early(action, request_id))
    }

    async fn take_up(&self, mut flight: Flight) -> Envelope {
        match self.take(&mut flight).await {
            Ok(Begun::Started(claim)) => {
                flight.is_agreed = true;
                self.run_claimed(flight, claim).await
            }
            Ok(Begun::Replay(stored) | Begun::Held(stored) | Begun::Waiting(stored)) => stored,
            Err(error) => self.give_up(flight, &error),
        }
    }

    async fn take(&self, flight: &mut Flight) -> Result<Begun> {
        let key = flight.make_key(self.parts.clock.now())?;
        flight.journaled_under(&key);
        flight.in_time(&self.parts, self.parts.ledger.take_queued(flight.begin(key))).await
    }
}
