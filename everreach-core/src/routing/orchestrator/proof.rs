//! Proof of what became of a call whose outcome is unknown: the journal of the other side.
//!
//! # Law
//! Only a definite answer changes anything. "Not known there" proves nothing, since the request may still be on its way; and "it did
//! not run" proves something only when it speaks of the very request that left here, and that was the only one: the same key may have
//! been used before, or by another machine.

use std::time::Duration;

use super::Orchestrator;
use super::flight::Flight;
use crate::ledger::{IdempotencyKey, Verdict};
use crate::routing::{Execution, Executor};
use crate::{Envelope, Id, Outcome, Result, Side};

impl Orchestrator {
    /// After an unknown outcome the cloud's own journal may know more, if there is time left to ask it.
    pub(super) async fn ask_the_other_journal(&self, flight: &Flight, side: Side, execution: Execution) -> Execution {
        let (Some(claim), Some(cloud)) = (&flight.claim, self.other_terminal()) else { return execution };
        if side != Side::Cloud || execution.outcome != Outcome::Unknown {
            return execution;
        }
        Box::pin(self.recall(cloud, &claim.key, flight.call.request_id, flight.remaining(&self.parts))).await.unwrap_or(execution)
    }

    /// A held call that was last tried in the cloud may have been settled there since. Where the cloud's journal proves it, the
    /// call is resolved; answers what the ledger now holds, `None` when it stays held.
    pub(super) async fn resolve_held(&self, flight: &Flight, key: &IdempotencyKey) -> Result<Option<Envelope>> {
        let Some(cloud) = self.other_terminal() else { return Ok(None) };
        let Some(record) = self.parts.ledger.get(key).await? else { return Ok(None) };
        let was_in_cloud = record.attempts.last().is_some_and(|last| last.executor == Side::Cloud.as_str());
        let Some(sent) = record.envelope.map(|held| held.request_id).filter(|_| was_in_cloud) else { return Ok(None) };
        let Some(known) = self.recall(cloud, key, sent, flight.remaining(&self.parts)).await else { return Ok(None) };
        let (verdict, result) = match (known.outcome, known.result) {
            (Outcome::Executed, Ok(result)) => (Verdict::Happened, Some(result)),
            (Outcome::NotExecuted, _) => (Verdict::DidNotHappen, None),
            // It ran and failed there: what to make of that is for a person.
            _ => return Ok(None),
        };
        let resolved = self.parts.ledger.resolve(key, verdict).await?;
        Ok(resolved.envelope.map(|mut envelope| {
            envelope.result = result.or(envelope.result);
            envelope.replayed = true;
            envelope.request_id = flight.call.request_id;
            envelope
        }))
    }

    /// The cloud, unless this process is it or it is known to be away.
    fn other_terminal(&self) -> Option<&dyn Executor> {
        let parts = &*self.parts;
        let is_there = !parts.config.is_cloud_terminal && !parts.config.offline && !parts.connectivity.is_offline();
        parts.cloud.as_deref().filter(|_| is_there)
    }

    /// What the cloud's journal proves of the request with the id `sent`.
    async fn recall(&self, cloud: &dyn Executor, key: &IdempotencyKey, sent: Id, patience: Duration) -> Option<Execution> {
        let known = tokio::time::timeout(patience, cloud.recall(key.as_str())).await.ok()?.ok()??;
        match known.outcome {
            Outcome::Executed | Outcome::Queued => Some(known),
            Outcome::NotExecuted if known.request_id == Some(sent) && self.left_once(key).await => Some(known),
            _ => None,
        }
    }

    /// Whether the journal has a single try in the cloud under this key.
    async fn left_once(&self, key: &IdempotencyKey) -> bool {
        let record = self.parts.ledger.get(key).await.ok().flatten();
        let in_cloud = |executor: &str| executor == Side::Cloud.as_str();
        record.is_some_and(|record| record.attempts.iter().filter(|attempt| in_cloud(&attempt.executor)).count() == 1)
    }
}
