//! What becomes of a command after a try.

use std::time::Duration;

use crate::Timestamp;
use crate::safari::{CommandStatus, DispatchOutcome, DispatchVerdict, Reason, Repeat};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// When a command that was refused is tried again.
///
/// ```
/// use everreach_core::safari::decision::RetrySchedule;
/// assert_eq!(RetrySchedule::default().waits.map(|wait| wait.as_secs()), [60, 300, 900]);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetrySchedule {
    /// The wait before each counted repeat: 1, 5 and 15 minutes.
    pub waits: [Duration; 3],
    /// The share by which a wait is lengthened at most, 0 to 1: 0.2 makes a minute anything from 60 to 72 s.
    pub jitter: f64,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { waits: [1, 5, 15].map(|minutes| MINUTE * minutes), jitter: 0.2 }
    }
}

/// What becomes of a command after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// Done; also when the service had done it before.
    Completed,
    /// Not done, and not tried again by itself.
    Failed,
    /// Held: nobody knows whether it was done. `failed` in the table, with the outcome `unknown`; only a person moves it on.
    Held,
    /// Tried again.
    Again {
        /// Not before this time.
        at: Timestamp,
        /// How many repeats are then used.
        retry_count: u32,
    },
}

impl Settlement {
    /// The word for it in the table.
    ///
    /// ```
    /// use everreach_core::safari::{CommandStatus, decision::Settlement};
    /// assert_eq!(Settlement::Held.status(), CommandStatus::Failed);
    /// ```
    #[must_use]
    pub const fn status(self) -> CommandStatus {
        match self {
            Self::Completed => CommandStatus::Completed,
            Self::Failed | Self::Held => CommandStatus::Failed,
            Self::Again { .. } => CommandStatus::Pending,
        }
    }
}

/// What becomes of a command after this outcome. `retry_count` repeats have been used before; `random` is a number from 0 to 1,
/// so that the answer can be told in advance. Waits are only ever lengthened by the jitter.
///
/// ```
/// use everreach_core::safari::decision::{RetrySchedule, Settlement, settle};
/// use everreach_core::safari::{DispatchOutcome, Reason, Repeat};
/// use std::time::Duration;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "the page did not load");
/// let schedule = RetrySchedule::default();
/// let again = settle(&refused, 0, &schedule, now, 0.0);
/// assert_eq!(again, Settlement::Again { at: now + Duration::from_secs(60), retry_count: 1 });
/// assert_eq!(settle(&refused, 3, &schedule, now, 0.0), Settlement::Failed);
/// let unknown = DispatchOutcome::unknown(Reason::TimedOut, "no answer in time");
/// assert_eq!(settle(&unknown, 0, &schedule, now, 0.0), Settlement::Held);
/// ```
#[must_use]
pub fn settle(outcome: &DispatchOutcome, retry_count: u32, schedule: &RetrySchedule, now: Timestamp, random: f64) -> Settlement {
    match outcome.verdict {
        DispatchVerdict::Sent | DispatchVerdict::SentUnverified | DispatchVerdict::Duplicate => Settlement::Completed,
        DispatchVerdict::Unknown => Settlement::Held,
        DispatchVerdict::Refused(Repeat::Never) => Settlement::Failed,
        DispatchVerdict::Refused(Repeat::Free) => {
            let at = now + lengthened(free_wait(outcome), schedule.jitter, random);
            Settlement::Again { at, retry_count }
        }
        DispatchVerdict::Refused(Repeat::Counted) => {
            let wait = usize::try_from(retry_count).ok().and_then(|used| schedule.waits.get(used));
            wait.map_or(Settlement::Failed, |wait| Settlement::Again {
                at: now + lengthened(*wait, schedule.jitter, random),
                retry_count: retry_count + 1,
            })
        }
    }
}

/// How long a service that was busy, closed or at its limit is left alone.
fn free_wait(outcome: &DispatchOutcome) -> Duration {
    let asked = outcome.retry_after;
    match outcome.reason {
        // What it asks for is the end of a lock that nearly always goes away much sooner.
        Reason::SafariBusy => asked.map_or(15 * SECOND, |asked| asked.min(15 * SECOND)).max(SECOND),
        Reason::RateLimited => asked.unwrap_or(MINUTE).clamp(SECOND, 60 * MINUTE),
        Reason::HourlyLimit => 15 * MINUTE,
        Reason::OutsideHours => 30 * MINUTE,
        Reason::DailyLimit => 60 * MINUTE,
        // The platform is stopped meanwhile; this only says how soon the row is looked at again.
        reason if reason.halt().is_some() => 5 * MINUTE,
        _ => asked.unwrap_or(MINUTE).clamp(SECOND, 60 * MINUTE),
    }
}

fn lengthened(wait: Duration, jitter: f64, random: f64) -> Duration {
    let factor = 1.0 + jitter.clamp(0.0, 1.0) * random.clamp(0.0, 1.0);
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).map_or(wait, |wait| wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    fn after(outcome: &DispatchOutcome, retry_count: u32, random: f64) -> Settlement {
        settle(outcome, retry_count, &RetrySchedule::default(), now(), random)
    }

    #[test]
    fn a_refusal_is_repeated_after_1_5_and_15_minutes_and_then_failed() {
        let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "x");
        for (used, minutes) in [(0, 1), (1, 5), (2, 15)] {
            assert_eq!(after(&refused, used, 0.0), Settlement::Again { at: now() + MINUTE * minutes, retry_count: used + 1 });
        }
        assert_eq!(after(&refused, 3, 0.0), Settlement::Failed);
        assert_eq!(after(&refused, u32::MAX, 0.0), Settlement::Failed);
    }

    #[test]
    fn the_jitter_only_lengthens() {
        let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "x");
        assert_eq!(after(&refused, 0, 1.0), Settlement::Again { at: now() + 72 * SECOND, retry_count: 1 });
        for random in [f64::NAN, -3.0, 7.0] {
            let Settlement::Again { at, .. } = after(&refused, 0, random) else { panic!("again") };
            assert!(at >= now() + MINUTE && at <= now() + 72 * SECOND, "{random} {at}");
        }
    }

    #[test]
    fn a_busy_service_uses_up_no_repeat_however_often() {
        for reason in [
            Reason::RateLimited,
            Reason::OutsideHours,
            Reason::HourlyLimit,
            Reason::DailyLimit,
            Reason::SafariBusy,
            Reason::NoTab,
            Reason::NoSession,
            Reason::Captcha,
        ] {
            let refused = DispatchOutcome::refused(Repeat::Free, reason, "x");
            for used in [0, 2, 3, 500] {
                let Settlement::Again { at, retry_count } = after(&refused, used, 0.5) else { panic!("again") };
                assert_eq!(retry_count, used);
                assert!(at > now(), "{reason}");
            }
        }
    }

    #[test]
    fn safaris_lock_is_not_waited_for_as_long_as_it_asks() {
        let busy = DispatchOutcome::refused(Repeat::Free, Reason::SafariBusy, "x").with_retry_after(Duration::from_secs(119));
        assert_eq!(after(&busy, 0, 0.0), Settlement::Again { at: now() + 15 * SECOND, retry_count: 0 });
        let limited = DispatchOutcome::refused(Repeat::Free, Reason::RateLimited, "x").with_retry_after(Duration::from_secs(119));
        assert_eq!(after(&limited, 0, 0.0), Settlement::Again { at: now() + 119 * SECOND, retry_count: 0 });
    }

    #[test]
    fn what_was_or_may_have_been_sent_is_never_tried_again() {
        for verdict in
            [DispatchVerdict::Sent, DispatchVerdict::SentUnverified, DispatchVerdict::Duplicate, DispatchVerdict::Unknown]
        {
            let outcome = DispatchOutcome::new(verdict, Reason::TimedOut, "x").with_retry_after(SECOND);
            assert!(!matches!(after(&outcome, 0, 0.5), Settlement::Again { .. }), "{verdict}");
        }
        let refused = DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "x");
        assert_eq!(after(&refused, 0, 0.5), Settlement::Failed);
    }
}
