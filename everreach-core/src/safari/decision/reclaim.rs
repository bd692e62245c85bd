//! What becomes of a command whose worker vanished.

use super::Settlement;
use crate::Timestamp;
use crate::safari::{Attempt, Command, DispatchVerdict, Verb};

/// What becomes of a command whose lease lapsed while a worker had it.
///
/// It is held only when the request may have left and the verb reaches people. Any other may be claimed again at once, and no
/// repeat is used up: nobody refused it. An outcome that was recorded counts; without a record of the try the worst is assumed.
///
/// ```
/// use everreach_core::safari::decision::{Settlement, reclaim};
/// use everreach_core::safari::{Attempt, Command, Platform, Service};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let command = Command::dm(Platform::Twitter, "bob", "hello", now);
/// let mut attempt = Attempt::begun(command.id, 1, "mac-1", now);
/// assert_eq!(reclaim(&command, Some(&attempt), now), Settlement::Again { at: now, retry_count: 0 });
/// attempt.mark_dispatched(Some(Service::TwitterDm), now);
/// assert_eq!(reclaim(&command, Some(&attempt), now), Settlement::Held);
/// ```
#[must_use]
pub fn reclaim(command: &Command, attempt: Option<&Attempt>, now: Timestamp) -> Settlement {
    let verdict = attempt.and_then(|attempt| attempt.outcome.as_ref()).map(|outcome| outcome.verdict);
    if let Some(DispatchVerdict::Sent | DispatchVerdict::SentUnverified | DispatchVerdict::Duplicate) = verdict {
        return Settlement::Completed;
    }
    let is_outward = command.verb().is_none_or(Verb::is_outward);
    if is_outward && attempt.is_none_or(Attempt::may_have_run) {
        return Settlement::Held;
    }
    Settlement::Again { at: now, retry_count: command.retry_count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safari::{DispatchOutcome, Reason, Repeat};

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn only_what_reaches_people_and_was_dispatched_is_held() {
        for verb in Verb::ALL {
            let mut command = Command::new(verb, now());
            command.retry_count = 2;
            let again = Settlement::Again { at: now(), retry_count: 2 };
            let mut attempt = Attempt::begun(command.id, 3, "mac-1", now());
            assert_eq!(reclaim(&command, Some(&attempt), now()), again, "{verb}");
            attempt.mark_dispatched(None, now());
            let expected = if verb.is_outward() { Settlement::Held } else { again };
            assert_eq!(reclaim(&command, Some(&attempt), now()), expected, "{verb}");
            assert_eq!(reclaim(&command, None, now()), expected, "{verb}");
        }
    }

    #[test]
    fn an_outcome_that_was_recorded_before_the_worker_vanished_counts() {
        let command = Command::new(Verb::SendDm, now());
        let mut attempt = Attempt::begun(command.id, 1, "mac-1", now());
        attempt.mark_dispatched(None, now());
        attempt.finish(DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"), now());
        assert!(matches!(reclaim(&command, Some(&attempt), now()), Settlement::Again { .. }));
        attempt.finish(DispatchOutcome::sent("seen"), now());
        assert_eq!(reclaim(&command, Some(&attempt), now()), Settlement::Completed);
        attempt.finish(DispatchOutcome::unknown(Reason::TimedOut, "late"), now());
        assert_eq!(reclaim(&command, Some(&attempt), now()), Settlement::Held);
    }
}
