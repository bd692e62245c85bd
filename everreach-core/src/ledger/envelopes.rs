//! The answers that the ledger writes itself, for calls whose owner is gone or whose fate a person told.

use super::decision::StoredCall;
use super::{AttemptRecord, Verdict};
use crate::{Envelope, Error, ErrorKind, Event, Outcome, Timestamp};

/// The owner vanished after something left.
pub(super) fn outcome_unknown(call: &StoredCall, attempts: &[AttemptRecord], now: Timestamp) -> Envelope {
    let mut envelope = blank(call, attempts, now);
    envelope.outcome = Outcome::Unknown;
    envelope
        .fail(&Error::new(ErrorKind::OutcomeUnknown, "the call was cut off after it may have left: it is held and not repeated"));
    envelope.suggestions.push("look whether it happened, then resolve the call".to_owned());
    envelope
}

/// The owner vanished before anything left.
pub(super) fn not_started(call: &StoredCall, attempts: &[AttemptRecord], now: Timestamp) -> Envelope {
    let mut envelope = blank(call, attempts, now);
    envelope.fail(&Error::new(
        ErrorKind::Internal,
        "the call was cut off before anything left: the same key may be used to try again",
    ));
    envelope
}

/// What the held answer becomes by a verdict.
pub(super) fn resolved(call: &StoredCall, verdict: Verdict, attempts: &[AttemptRecord], now: Timestamp) -> Envelope {
    let mut envelope = call.envelope.clone().unwrap_or_else(|| blank(call, attempts, now));
    envelope.suggestions.clear();
    match verdict {
        Verdict::Happened => {
            envelope.ok = true;
            envelope.outcome = Outcome::Executed;
            envelope.error = None;
            envelope.detail = Some("the outcome was unknown; it has been confirmed that it happened".to_owned());
        }
        Verdict::DidNotHappen => {
            envelope.outcome = Outcome::NotExecuted;
            let sentence =
                "the outcome was unknown; it has been confirmed that it did not happen: the same key may be used to try again";
            envelope.fail(&Error::new(ErrorKind::Unreachable, sentence));
        }
    }
    envelope
}

/// The event that goes with an answer.
pub(super) fn event(kind: &'static str, call: &StoredCall, envelope: &Envelope, now: Timestamp) -> Event {
    Event::new(now, kind, call.key.as_str()).with_request(call.request_id).with_data(serde_json::json!({
        "action": call.action,
        "ok": envelope.ok,
        "outcome": envelope.outcome,
        "source": envelope.source,
        "error": envelope.error,
        "cost_usd": envelope.cost_usd,
        "attempts": envelope.attempts,
        "duration_ms": envelope.duration_ms,
    }))
}

fn blank(call: &StoredCall, attempts: &[AttemptRecord], now: Timestamp) -> Envelope {
    let mut envelope = Envelope::new(call.action.clone(), call.request_id);
    envelope.idempotency_key = Some(call.key.to_string());
    envelope.attempts = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    envelope.duration_ms = (now - call.created_at).to_std().map_or(0.0, |passed| passed.as_secs_f64() * 1_000.0);
    envelope
}
