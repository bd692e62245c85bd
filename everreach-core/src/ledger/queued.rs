//! Calls that were handed to a durable queue: who takes them up, and what the queue's row says of them.
//!
//! # Law
//! A queued call is run under its own key, so that two workers with one row, or one worker with it twice, attempt it once. Until
//! somebody takes it, its row tells what became of it; afterwards only whoever runs it.

use std::sync::Arc;

use super::{Begin, Begun, CallRecord, CallState, Claim, IdempotencyKey, Ledger, Verdict, decision, store, transition};
use crate::store::Db;
use crate::{Envelope, Result, Timestamp};

use super::journal::KEEP_CALLS;

impl Ledger {
    /// Claims a call that was queued for this side. It is claimed once: what ran is replayed, what may have run is held.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a key that is not known,
    /// [`ErrorKind::IdempotencyConflict`](crate::ErrorKind::IdempotencyConflict) while somebody runs the call,
    /// [`ErrorKind::IdempotencyMismatch`](crate::ErrorKind::IdempotencyMismatch) when the key belongs to another request, or the
    /// store's.
    pub async fn take_queued(&self, begin: Begin) -> Result<Begun> {
        let times = self.times(&begin)?;
        let owner = Arc::clone(&self.owner);
        self.store.write(move |mut db| Box::pin(async move { transition::take(&mut db, &begin, &owner, times).await })).await
    }

    /// The keys of calls in one state, in their order, after an earlier one.
    pub(crate) async fn keys_in(&self, state: CallState, after: &str, limit: u32) -> Result<Vec<IdempotencyKey>> {
        let mut connection = self.store.read().await?;
        store::keys_in(&mut connection.db(), state, after, limit).await
    }
}

/// Records the answer of a call in the transaction of somebody else, who writes the row that it was queued as.
pub(crate) async fn finish_within(db: &mut Db<'_>, claim: &Claim, envelope: Envelope, now: Timestamp) -> Result<()> {
    transition::finish(db, claim, None, envelope, now).await
}

/// The call of a key, which nobody else changes until the transaction ends.
pub(crate) async fn call_within(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Option<CallRecord>> {
    match store::lock(db, key).await? {
        Some(call) => Ok(Some(transition::with_attempts(db, call).await?)),
        None => Ok(None),
    }
}

/// How many calls are queued, counted up to this many.
pub(crate) async fn count_queued(db: &mut Db<'_>, most: u32) -> Result<u32> {
    store::count_queued(db, most).await
}

/// Records what the row of a queued call says. A call that somebody runs, or that ran, is left alone.
pub(crate) async fn settle_within(db: &mut Db<'_>, key: &IdempotencyKey, envelope: Envelope, now: Timestamp) -> Result<()> {
    let Some(mut call) = store::lock(db, key).await? else { return Ok(()) };
    let Some(state) = decision::settled_state(&call, envelope.outcome).filter(|state| *state != call.state) else {
        return Ok(());
    };
    if state != CallState::Unknown {
        call.dispatched_at = None;
    }
    call.state = state;
    transition::close(db, call, envelope, "call.settled", now).await
}

/// Settles a held call by a person's word, in the transaction of somebody else, who writes it into the call's row too.
pub(crate) async fn resolve_within(
    db: &mut Db<'_>,
    key: &IdempotencyKey,
    verdict: Verdict,
    now: Timestamp,
) -> Result<CallRecord> {
    transition::resolve(db, key, verdict, now).await
}

/// Keeps a call from expiring while its row waits.
pub(crate) async fn keep_within(db: &mut Db<'_>, key: &IdempotencyKey, now: Timestamp) -> Result<()> {
    match store::lock(db, key).await? {
        Some(call) if call.expires_at < now + KEEP_CALLS / 2 => store::record(db, &call, now + KEEP_CALLS).await,
        _ => Ok(()),
    }
}
