//! The cloud terminal's half: writing rows, and reading what became of them.

use async_trait::async_trait;

use super::RelayConfig;
use super::rows::{self, Found, NewRow};
use super::standing::Standing;
use crate::events::EventLog;
use crate::ledger::{self, CallRecord, CallState, Claim, IdempotencyKey, Ledger, Verdict};
use crate::routing::{Call, LocalRelay};
use crate::store::{Db, Store};
use crate::{Envelope, Error, ErrorKind, Id, Outcome, Result, SharedClock, Timestamp};

/// Calls that are looked at in one page.
const PAGE: u32 = 500;

/// Hands calls over by rows of the shared database.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    store: Store,
    clock: SharedClock,
    ledger: Ledger,
    events: EventLog,
    config: RelayConfig,
}

impl Relay {
    pub(crate) const fn new(store: Store, clock: SharedClock, ledger: Ledger, events: EventLog, config: RelayConfig) -> Self {
        Self { store, clock, ledger, events, config }
    }

    /// Brings every queued or held call up to what its row says. One that cannot be read is left out with a warning.
    pub(crate) async fn settle_all(&self) -> Result<()> {
        for state in [CallState::Queued, CallState::Unknown] {
            let mut after = String::new();
            loop {
                let keys = self.ledger.keys_in(state, &after, PAGE).await?;
                let Some(last) = keys.last() else { break };
                last.as_str().clone_into(&mut after);
                for key in &keys {
                    if let Err(error) = self.settle(key).await {
                        tracing::warn!(%error, %key, "what became of a queued call could not be looked up");
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes tasks of ours that ended before this time.
    pub(crate) async fn prune(&self, oldest: Timestamp) -> Result<()> {
        self.store.write(move |mut db| Box::pin(async move { rows::prune(&mut db, oldest).await })).await
    }

    /// Settles a held call by a person's word, and its row with it. What the row says by now comes first.
    ///
    /// # Errors
    /// Those of [`Ledger::resolve`].
    pub(crate) async fn resolve(&self, key: &IdempotencyKey, verdict: Verdict) -> Result<CallRecord> {
        let (key, now) = (key.clone(), self.clock.now());
        let waits_since = now - self.config.longest_wait;
        let resolved = self.store.write(move |mut db| {
            Box::pin(async move {
                settle(&mut db, &key, waits_since, now).await?;
                let record = ledger::resolve_within(&mut db, &key, verdict, now).await?;
                rows::confirm(&mut db, &key, verdict, now).await?;
                Ok(record)
            })
        });
        let record = resolved.await?;
        self.events.announce();
        Ok(record)
    }
}

#[async_trait]
impl LocalRelay for Relay {
    async fn queue(&self, claim: &Claim, call: &Call, answer: Envelope) -> Result<Envelope> {
        let now = self.clock.now();
        let row = NewRow::of(call, &claim.key, &self.config, now)?;
        let (claim, most) = (claim.clone(), self.config.max_waiting);
        let answer = self.store.write(move |mut db| {
            Box::pin(async move {
                if ledger::count_queued(&mut db, most).await? >= most {
                    return Err(too_many(most));
                }
                let answer = rows::write(&mut db, row, &claim.key, now).await?.answer(answer);
                ledger::finish_within(&mut db, &claim, answer.clone(), now).await?;
                Ok(answer)
            })
        });
        let answer = answer.await?;
        self.events.announce();
        Ok(answer)
    }

    async fn settle(&self, key: &IdempotencyKey) -> Result<()> {
        // Looked at without a transaction first: most of the time nothing has changed.
        let Some(record) = self.ledger.get(key).await? else { return Ok(()) };
        if !matches!(record.state, CallState::Queued | CallState::Unknown | CallState::NotExecuted) {
            return Ok(());
        }
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        let found = rows::find(&mut connection.db(), key).await?;
        drop(connection);
        let waits_since = now - self.config.longest_wait;
        let is_old = record.state == CallState::Queued && record.updated_at < waits_since.max(now - ledger::KEEP_CALLS / 2);
        if news(record.state, found).is_none() && !is_old {
            return Ok(());
        }
        let key = key.clone();
        self.store.write(move |mut db| Box::pin(async move { settle(&mut db, &key, waits_since, now).await })).await?;
        self.events.announce();
        Ok(())
    }
}

/// Brings the journal up to the row; one that has waited since before `waits_since` is taken back first.
async fn settle(db: &mut Db<'_>, key: &IdempotencyKey, waits_since: Timestamp, now: Timestamp) -> Result<()> {
    let Some(record) = ledger::call_within(db, key).await? else { return Ok(()) };
    if record.state == CallState::Queued && record.updated_at < waits_since {
        rows::lapse(db, key, now).await?;
    }
    let found = rows::find(db, key).await?;
    match news(record.state, found) {
        Some(standing) => ledger::settle_within(db, key, standing.answer(blank(record)), now).await,
        None if record.state == CallState::Queued => ledger::keep_within(db, key, now).await,
        None => Ok(()),
    }
}

fn too_many(most: u32) -> Error {
    let message = "too many calls wait for the local machine already: see that it runs, or call it there";
    Error::new(ErrorKind::RequiresLocal, message).with_operation("queue a call").with("waiting", most)
}

/// What a row says that the journal does not know yet.
///
/// A task's call is run under its key, so once somebody has taken it up the journal knows better than the row; a command's is known by
/// its row alone, and a person's later word on that counts.
pub(super) fn news(state: CallState, found: Found) -> Option<Standing> {
    match (state, found) {
        (CallState::Queued, Found::Nothing) => Some(rows::gone()),
        (CallState::Queued, Found::Command(standing) | Found::Task(standing)) => {
            Some(standing).filter(|standing| standing.outcome != Outcome::Queued)
        }
        (CallState::Unknown, Found::Command(standing)) => Some(standing).filter(|standing| standing.outcome != Outcome::Unknown),
        (CallState::NotExecuted, Found::Command(standing)) => {
            Some(standing).filter(|standing| standing.outcome != Outcome::NotExecuted)
        }
        (CallState::NotExecuted, Found::Task(standing)) => {
            Some(standing).filter(|standing| matches!(standing.outcome, Outcome::Queued | Outcome::Executed))
        }
        _ => None,
    }
}

/// The stored answer, or an empty one where there is none.
fn blank(record: CallRecord) -> Envelope {
    record.envelope.unwrap_or_else(|| {
        let mut envelope = Envelope::new(record.action, Id::new());
        envelope.idempotency_key = Some(record.idempotency_key.to_string());
        envelope
    })
}

#[cfg(test)]
mod tests;
