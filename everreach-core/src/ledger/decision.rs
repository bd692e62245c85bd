//! The decisions of the ledger, as functions of a row and the time.

use std::time::Duration;

use super::{Begin, CallState, Claim, Fingerprint, ForwardedClaim, IdempotencyKey};
use crate::{ActionName, Envelope, Error, ErrorKind, Id, Outcome, Result, Retry, Timestamp};

/// A row as it was read.
#[derive(Debug, Clone)]
pub(super) struct StoredCall {
    pub(super) key: IdempotencyKey,
    pub(super) action: ActionName,
    pub(super) fingerprint: Fingerprint,
    pub(super) state: CallState,
    pub(super) fence: i64,
    pub(super) repeatable: bool,
    pub(super) lease_until: Timestamp,
    pub(super) dispatched_at: Option<Timestamp>,
    pub(super) envelope: Option<Envelope>,
    pub(super) request_id: Id,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl StoredCall {
    /// Whether a try left that was not proven un-run, and a second one could do harm.
    pub(super) const fn may_have_run(&self) -> bool {
        self.dispatched_at.is_some() && !self.repeatable
    }

    fn is_same_request(&self, begin: &Begin) -> bool {
        self.action == begin.action && self.fingerprint == begin.fingerprint
    }
}

/// What a call that finds its key in use has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The row is too old to count: start as if it were not there.
    Replace,
    /// Start again under the same key.
    Restart,
    /// The owner is gone after something left: hold the call.
    GiveUp,
    Replay,
    Hold,
    Wait,
    RefuseRunning,
    RefuseOther,
}

pub(super) fn decide(call: &StoredCall, begin: &Begin, now: Timestamp) -> Decision {
    match call.state {
        CallState::Executed | CallState::NotExecuted | CallState::Queued | CallState::Waiting if call.expires_at <= now => {
            Decision::Replace
        }
        _ if !call.is_same_request(begin) => Decision::RefuseOther,
        CallState::Running if call.lease_until > now => Decision::RefuseRunning,
        CallState::Running if call.may_have_run() => Decision::GiveUp,
        CallState::Running | CallState::NotExecuted => Decision::Restart,
        CallState::Executed | CallState::Queued => Decision::Replay,
        CallState::Unknown => Decision::Hold,
        CallState::Waiting => Decision::Wait,
    }
}

/// The same for the side that a queued call was queued for, however old the call is.
pub(super) fn decide_taking(call: &StoredCall, begin: &Begin, now: Timestamp) -> Decision {
    match call.state {
        _ if !call.is_same_request(begin) => Decision::RefuseOther,
        CallState::Queued | CallState::NotExecuted => Decision::Restart,
        CallState::Executed => Decision::Replay,
        CallState::Waiting => Decision::Wait,
        CallState::Running | CallState::Unknown => decide(call, begin, now),
    }
}

/// Whether the claim that came along with a forwarded call is the one that holds the row, for the very request that it claimed. Whether
/// its try is still the one under way, the try's own row says.
pub(super) fn may_hand_over(call: &StoredCall, begin: &Begin, forwarded: ForwardedClaim, now: Timestamp) -> bool {
    let is_under_way = call.state == CallState::Running && call.lease_until > now && call.dispatched_at.is_some();
    is_under_way && call.fence == forwarded.fence && call.is_same_request(begin)
}

/// Whether the row went from this claim to whoever the call was forwarded to, and to nobody since.
pub(super) fn is_handed_over(call: &StoredCall, claim: &Claim) -> bool {
    call.fence == claim.fence + 1 && call.request_id == claim.request_id
}

/// The state that a queue's word leaves the call in; `None` where the queue has no say.
pub(super) const fn settled_state(call: &StoredCall, outcome: Outcome) -> Option<CallState> {
    match (call.state, outcome) {
        (CallState::Running | CallState::Waiting | CallState::Executed, _) => None,
        (_, Outcome::Executed) => Some(CallState::Executed),
        (_, Outcome::Queued) => Some(CallState::Queued),
        (_, Outcome::Unknown) if !call.repeatable => Some(CallState::Unknown),
        (_, Outcome::Unknown | Outcome::NotExecuted) => Some(CallState::NotExecuted),
    }
}

/// Whether the claim may still record what became of the call. It may do so late, when others have already called the outcome
/// unknown: that is the positive proof they wait for.
pub(super) fn check_may_record(call: &StoredCall, claim: &Claim) -> Result<()> {
    if call.fence == claim.fence && matches!(call.state, CallState::Running | CallState::Unknown) {
        return Ok(());
    }
    Err(lost(claim).with("state", call.state))
}

/// Whether this claim has closed the call with this outcome before.
pub(super) fn is_recorded(call: &StoredCall, claim: &Claim, outcome: Outcome) -> bool {
    let is_closed = matches!(call.state, CallState::Executed | CallState::NotExecuted | CallState::Queued);
    is_closed && call.fence == claim.fence && call.envelope.as_ref().is_some_and(|stored| stored.outcome == outcome)
}

/// The state that an outcome leaves the call in.
pub(super) fn closing_state(call: &StoredCall, outcome: Outcome) -> Result<CallState> {
    match outcome {
        Outcome::Executed => Ok(CallState::Executed),
        Outcome::Queued => Ok(CallState::Queued),
        Outcome::Unknown if !call.repeatable => Ok(CallState::Unknown),
        Outcome::NotExecuted if call.may_have_run() => Err(Error::new(
            ErrorKind::Conflict,
            "a try that may have run stands against this outcome: end that try first, or report the outcome as unknown",
        )
        .with("idempotency_key", &call.key)),
        Outcome::Unknown | Outcome::NotExecuted => Ok(CallState::NotExecuted),
    }
}

/// The claim was taken by somebody else, or its lease is over.
pub(super) fn lost(claim: &Claim) -> Error {
    Error::new(ErrorKind::Conflict, "the claim on this call is lost: do not send, answer from GET /api/calls/{key}")
        .with_operation("write the ledger")
        .with("idempotency_key", &claim.key)
}

pub(super) fn running(call: &StoredCall, now: Timestamp) -> Error {
    let left = (call.lease_until - now).to_std().unwrap_or(Duration::ZERO);
    Error::new(ErrorKind::IdempotencyConflict, "a call with this key is running: wait for it, or ask GET /api/calls/{key}")
        .with("idempotency_key", &call.key)
        .with_retry(Retry::Later(left))
}

pub(super) fn other_request(call: &StoredCall, begin: &Begin) -> Error {
    let error = Error::new(ErrorKind::IdempotencyMismatch, "this key was used for another request: use a fresh key")
        .with("idempotency_key", &call.key);
    if call.action == begin.action { error } else { error.with("first_action", &call.action) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fingerprint;

    const STATES: [CallState; 6] = [
        CallState::Running,
        CallState::Waiting,
        CallState::Executed,
        CallState::NotExecuted,
        CallState::Unknown,
        CallState::Queued,
    ];

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    fn begin(action: &str) -> Begin {
        let action: ActionName = action.parse().expect("a name");
        let print = fingerprint(&action, &serde_json::Map::new());
        Begin::new("k".parse().expect("a key"), action, print, Id::new())
    }

    fn call(state: CallState) -> StoredCall {
        let Begin { key, action, fingerprint, request_id, .. } = begin("dm.send");
        let (later, earlier) = (now() + Duration::from_secs(1), now() - Duration::from_secs(1));
        StoredCall {
            key,
            action,
            fingerprint,
            state,
            fence: 1,
            repeatable: false,
            lease_until: later,
            dispatched_at: None,
            envelope: None,
            request_id,
            created_at: earlier,
            updated_at: earlier,
            expires_at: later,
        }
    }

    #[test]
    fn each_state_has_its_answer() {
        let answers = STATES.map(|state| decide(&call(state), &begin("dm.send"), now()));
        use Decision::{Hold, RefuseRunning, Replay, Restart, Wait};
        assert_eq!(answers, [RefuseRunning, Wait, Replay, Restart, Hold, Replay]);
    }

    #[test]
    fn another_request_is_refused_in_every_state_that_still_counts() {
        for state in STATES {
            assert_eq!(decide(&call(state), &begin("dm.queue"), now()), Decision::RefuseOther, "{state}");
        }
    }

    #[test]
    fn age_frees_a_key_unless_its_call_may_have_run() {
        let answers = STATES.map(|state| {
            let mut call = call(state);
            (call.expires_at, call.lease_until, call.dispatched_at) = (now(), now(), Some(now()));
            decide(&call, &begin("dm.send"), now())
        });
        use Decision::{GiveUp, Hold, Replace};
        assert_eq!(answers, [GiveUp, Replace, Replace, Replace, Hold, Replace]);
    }

    #[test]
    fn a_lapsed_claim_is_taken_over_only_when_nothing_left_or_a_repeat_does_no_harm() {
        let mut lapsed = call(CallState::Running);
        lapsed.lease_until = now();
        assert_eq!(decide(&lapsed, &begin("dm.send"), now()), Decision::Restart);
        lapsed.dispatched_at = Some(now());
        assert_eq!(decide(&lapsed, &begin("dm.send"), now()), Decision::GiveUp);
        lapsed.repeatable = true;
        assert_eq!(decide(&lapsed, &begin("dm.send"), now()), Decision::Restart);
    }

    #[test]
    fn the_side_that_a_call_was_queued_for_may_take_it_once() {
        let answers = STATES.map(|state| decide_taking(&call(state), &begin("dm.send"), now()));
        use Decision::{Hold, RefuseOther, RefuseRunning, Replay, Restart, Wait};
        assert_eq!(answers, [RefuseRunning, Wait, Replay, Restart, Hold, Restart]);
        for state in STATES {
            assert_eq!(decide_taking(&call(state), &begin("dm.queue"), now()), RefuseOther, "{state}");
            let mut old = call(state);
            old.expires_at = now();
            assert_ne!(decide_taking(&old, &begin("dm.send"), now()), Decision::Replace, "{state}");
        }
    }

    #[test]
    fn a_queue_has_no_say_in_a_call_that_somebody_runs_or_that_ran() {
        for state in [CallState::Running, CallState::Waiting, CallState::Executed] {
            assert_eq!(settled_state(&call(state), Outcome::NotExecuted), None, "{state}");
        }
        assert_eq!(settled_state(&call(CallState::Queued), Outcome::Executed), Some(CallState::Executed));
        assert_eq!(settled_state(&call(CallState::Unknown), Outcome::Queued), Some(CallState::Queued));
        assert_eq!(settled_state(&call(CallState::Queued), Outcome::Unknown), Some(CallState::Unknown));
        let mut harmless = call(CallState::Queued);
        harmless.repeatable = true;
        assert_eq!(settled_state(&harmless, Outcome::Unknown), Some(CallState::NotExecuted));
    }

    #[test]
    fn nobody_can_report_as_unrun_what_may_have_run() {
        let mut call = call(CallState::Running);
        assert_eq!(closing_state(&call, Outcome::NotExecuted).expect("nothing left"), CallState::NotExecuted);
        call.dispatched_at = Some(now());
        assert_eq!(closing_state(&call, Outcome::NotExecuted).expect_err("something left").kind(), ErrorKind::Conflict);
        assert_eq!(closing_state(&call, Outcome::Unknown).expect("honest"), CallState::Unknown);
        call.repeatable = true;
        assert_eq!(closing_state(&call, Outcome::Unknown).expect("harmless"), CallState::NotExecuted);
    }
}
