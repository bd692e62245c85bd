//! The answers that the ledger writes itself, for calls whose owner is gone or whose fate a person told.

use std::borrow::Cow;

use super::decision::StoredCall;
use super::{AttemptRecord, IdempotencyKey, Verdict};
use crate::{Envelope, Error, ErrorKind, Event, Outcome, Timestamp};

/// The commands that settle a held call, one for each verdict, so that neither can be pasted by mistake for the other.
pub(crate) fn ways_to_resolve(key: &IdempotencyKey) -> Vec<String> {
    let key = shell_word(key.as_str());
    ["--happened", "--did-not-happen"].map(|verdict| format!("everreach calls resolve {key} {verdict}")).into()
}

/// The command that shows where a call stands.
pub(crate) fn way_to_look(key: &IdempotencyKey) -> Vec<String> {
    vec![format!("everreach calls show {}", shell_word(key.as_str()))]
}

/// The key as one word of a shell: whoever chose it is not to choose what else runs when a person pastes the line.
fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@%+=,".contains(&byte);
    if text.bytes().all(is_plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")).into() }
}

/// The owner vanished after something left.
pub(super) fn outcome_unknown(call: &StoredCall, attempts: &[AttemptRecord], now: Timestamp) -> Envelope {
    let mut envelope = blank(call, attempts, now);
    envelope.outcome = Outcome::Unknown;
    envelope
        .fail(&Error::new(ErrorKind::OutcomeUnknown, "the call was cut off after it may have left: it is held and not repeated"));
    envelope.suggestions = ways_to_resolve(&call.key);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_of_the_shell_whatever_it_is_made_of() {
        let first = |key: &str| ways_to_resolve(&key.parse().expect("a key")).remove(0);
        assert_eq!(first("content_day:2026-11-20:ab"), "everreach calls resolve content_day:2026-11-20:ab --happened");
        assert_eq!(first("$(reboot)"), "everreach calls resolve '$(reboot)' --happened");
        assert_eq!(first("a'b"), r"everreach calls resolve 'a'\''b' --happened");
    }
}
