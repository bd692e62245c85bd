//! The moves of a call from state to state, inside a transaction.

use super::decision::{self, Decision, StoredCall};
use super::journal::KEEP_CALLS;
use super::store::{self, Times};
use super::{AttemptEnd, Begin, Begun, CallRecord, CallState, Claim, IdempotencyKey, Recovered, Verdict, envelopes, forwarded};
use crate::events;
use crate::store::Db;
use crate::{Envelope, Error, ErrorKind, Outcome, Result, Timestamp};

const RECOVERY_BATCH: u32 = 100;
/// A row may vanish between two looks when it expires; more than a few times in a row is something else.
const BEGIN_TRIES: u32 = 3;
const GONE: &str = "its owner is gone";

pub(super) async fn begin(db: &mut Db<'_>, begin: &Begin, owner: &str, times: Times) -> Result<Begun> {
    for _ in 0..BEGIN_TRIES {
        if store::insert(db, begin, owner, times).await? {
            return Ok(Begun::Started(claim_of(begin, 1)));
        }
        let Some(call) = store::lock(db, &begin.key).await? else { continue };
        if let Some(claim) = forwarded::take_over(db, begin, owner, &call, times).await? {
            return Ok(Begun::Started(claim));
        }
        let decision = decision::decide(&call, begin, times.now);
        return act(db, begin, owner, call, decision, times).await;
    }
    Err(Error::new(ErrorKind::StoreUnavailable, "the key's row keeps vanishing: try again").with("idempotency_key", &begin.key))
}

/// Gives a queued call to the side that it was queued for.
pub(super) async fn take(db: &mut Db<'_>, begin: &Begin, owner: &str, times: Times) -> Result<Begun> {
    let call = store::lock(db, &begin.key).await?.ok_or_else(|| not_found(&begin.key))?;
    let decision = decision::decide_taking(&call, begin, times.now);
    act(db, begin, owner, call, decision, times).await
}

async fn act(db: &mut Db<'_>, begin: &Begin, owner: &str, call: StoredCall, decision: Decision, times: Times) -> Result<Begun> {
    Ok(match decision {
        Decision::Replace => Begun::Started(start_again(db, begin, owner, &call, times).await?),
        Decision::Restart => {
            let times = Times { created_at: call.created_at, ..times };
            Begun::Started(start_again(db, begin, owner, &call, times).await?)
        }
        Decision::GiveUp => Begun::Held(replayed(begin, hold(db, call, times.now).await?)),
        Decision::Replay => Begun::Replay(replayed(begin, stored_answer(call)?)),
        Decision::Hold => Begun::Held(replayed(begin, stored_answer(call)?)),
        Decision::Wait => Begun::Waiting(replayed(begin, stored_answer(call)?)),
        Decision::RefuseRunning => return Err(decision::running(&call, times.now)),
        Decision::RefuseOther => return Err(decision::other_request(&call, begin)),
    })
}

pub(super) async fn resume(db: &mut Db<'_>, begin: &Begin, owner: &str, times: Times) -> Result<Claim> {
    let call = store::lock(db, &begin.key).await?.ok_or_else(|| not_found(&begin.key))?;
    match decision::decide(&call, begin, times.now) {
        Decision::Wait => start_again(db, begin, owner, &call, Times { created_at: call.created_at, ..times }).await,
        Decision::RefuseOther => Err(decision::other_request(&call, begin)),
        _ => Err(Error::new(ErrorKind::Conflict, "this call does not wait for a person")
            .with("idempotency_key", &call.key)
            .with("state", call.state)),
    }
}

pub(super) async fn resolve(db: &mut Db<'_>, key: &IdempotencyKey, verdict: Verdict, now: Timestamp) -> Result<CallRecord> {
    let mut call = store::lock(db, key).await?.ok_or_else(|| not_found(key))?;
    if call.state != CallState::Unknown {
        return Err(Error::new(ErrorKind::Conflict, "only a call whose outcome is unknown can be resolved")
            .with("idempotency_key", key)
            .with("state", call.state));
    }
    let envelope = envelopes::resolved(&call, verdict, &store::attempts(db, &call).await?, now);
    call.state = match verdict {
        Verdict::Happened => CallState::Executed,
        Verdict::DidNotHappen => CallState::NotExecuted,
    };
    if verdict == Verdict::DidNotHappen {
        call.dispatched_at = None;
    }
    close(db, call, envelope, "call.resolved", now).await?;
    let call = store::find(db, key).await?.ok_or_else(|| not_found(key))?;
    with_attempts(db, call).await
}

pub(super) async fn finish(
    db: &mut Db<'_>,
    claim: &Claim,
    attempt: Option<AttemptEnd>,
    envelope: Envelope,
    now: Timestamp,
) -> Result<()> {
    let mut call = store::lock(db, &claim.key).await?.ok_or_else(|| decision::lost(claim))?;
    if decision::is_recorded(&call, claim, envelope.outcome) {
        // Whoever forwarded the call may have been quicker to write its answer.
        if let Some(end) = &attempt {
            store::end_attempt(db, &call.key, end, now).await?;
        }
        return Ok(());
    }
    if decision::is_handed_over(&call, claim) {
        return forwarded::add_answer(db, call, claim, envelope, now).await;
    }
    decision::check_may_record(&call, claim)?;
    if let Some(end) = &attempt {
        end_attempt(db, &mut call, end, now).await?;
    }
    call.state = decision::closing_state(&call, envelope.outcome)?;
    close(db, call, envelope, "call.finished", now).await
}

async fn start_again(db: &mut Db<'_>, begin: &Begin, owner: &str, call: &StoredCall, times: Times) -> Result<Claim> {
    let fence = call.fence + 1;
    store::close_attempts(db, &begin.key, GONE, times.now).await?;
    store::claim(db, begin, owner, fence, times).await?;
    Ok(claim_of(begin, fence))
}

/// Settles some of the lapsed calls; says of how many there was something to settle.
pub(super) async fn recover(db: &mut Db<'_>, now: Timestamp) -> Result<Recovered> {
    let mut done = Recovered::default();
    for mut call in store::lock_lapsed(db, now, RECOVERY_BATCH).await? {
        if call.may_have_run() {
            hold(db, call, now).await?;
            done.unknown += 1;
        } else {
            store::close_attempts(db, &call.key, GONE, now).await?;
            let envelope = envelopes::not_started(&call, &store::attempts(db, &call).await?, now);
            call.state = CallState::NotExecuted;
            close(db, call, envelope, "call.finished", now).await?;
            done.not_executed += 1;
        }
    }
    Ok(done)
}

/// Turns a call whose owner vanished after something left into a held one.
async fn hold(db: &mut Db<'_>, mut call: StoredCall, now: Timestamp) -> Result<Envelope> {
    store::close_attempts(db, &call.key, GONE, now).await?;
    let envelope = envelopes::outcome_unknown(&call, &store::attempts(db, &call).await?, now);
    call.state = CallState::Unknown;
    close(db, call, envelope.clone(), "call.finished", now).await?;
    Ok(envelope)
}

/// Ends the hold of a call that is proven un-run.
pub(super) async fn release(db: &mut Db<'_>, mut call: StoredCall, now: Timestamp) -> Result<()> {
    let envelope = envelopes::resolved(&call, Verdict::DidNotHappen, &store::attempts(db, &call).await?, now);
    call.state = CallState::NotExecuted;
    close(db, call, envelope, "call.resolved", now).await
}

/// Writes a call's new state and answer, and the events that tell of it.
pub(super) async fn close(
    db: &mut Db<'_>,
    mut call: StoredCall,
    envelope: Envelope,
    kind: &'static str,
    now: Timestamp,
) -> Result<()> {
    events::append(db, &envelopes::event(kind, &call, &envelope, now)).await?;
    if call.state == CallState::Unknown {
        events::append(db, &envelopes::event("call.outcome_unknown", &call, &envelope, now)).await?;
    }
    call.envelope = Some(envelope);
    call.updated_at = now;
    store::record(db, &call, now + KEEP_CALLS).await
}

pub(super) async fn lock_for(db: &mut Db<'_>, claim: &Claim) -> Result<StoredCall> {
    let call = store::lock(db, &claim.key).await?.ok_or_else(|| decision::lost(claim))?;
    decision::check_may_record(&call, claim)?;
    Ok(call)
}

pub(super) async fn end_attempt(db: &mut Db<'_>, call: &mut StoredCall, end: &AttemptEnd, now: Timestamp) -> Result<()> {
    if !store::end_attempt(db, &call.key, end, now).await? {
        return Err(Error::new(ErrorKind::Conflict, "this try is not open: its end is recorded, or it belongs to another call")
            .with("idempotency_key", &call.key)
            .with("attempt", end.id.as_id()));
    }
    if end.outcome == Outcome::NotExecuted {
        call.dispatched_at = None;
    }
    Ok(())
}

pub(super) async fn with_attempts(db: &mut Db<'_>, call: StoredCall) -> Result<CallRecord> {
    let attempts = store::attempts(db, &call).await?;
    Ok(CallRecord {
        idempotency_key: call.key,
        action: call.action,
        state: call.state,
        envelope: call.envelope,
        attempts,
        created_at: call.created_at,
        updated_at: call.updated_at,
        dispatched_at: call.dispatched_at,
    })
}

fn claim_of(begin: &Begin, fence: i64) -> Claim {
    Claim { key: begin.key.clone(), action: begin.action.clone(), request_id: begin.request_id, fence, was_handed_over: false }
}

/// A stored answer as a repeat gets it: about the same call, for another request.
fn replayed(begin: &Begin, mut envelope: Envelope) -> Envelope {
    envelope.replayed = true;
    envelope.request_id = begin.request_id;
    envelope
}

fn stored_answer(call: StoredCall) -> Result<Envelope> {
    let StoredCall { key, envelope, .. } = call;
    envelope.ok_or_else(|| Error::new(ErrorKind::Store, "the ledger lacks the answer of a call").with("idempotency_key", key))
}

fn not_found(key: &IdempotencyKey) -> Error {
    Error::new(ErrorKind::NotFound, "no call with this key is known here").with("idempotency_key", key)
}
