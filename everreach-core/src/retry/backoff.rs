//! Whether and when one failed try is followed by another.

use std::time::Duration;

use chrono::DateTime;

use crate::{Effect, Error, ErrorKind, Outcome, Retry, Timestamp};

/// How often and how far apart a call is tried.
///
/// ```
/// use everreach_core::retry::RetryPolicy;
/// assert_eq!(RetryPolicy::default().max_attempts(), 4);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The wait before each repeat: as many repeats as there are waits. 1, 3 and 9 s.
    pub waits: Vec<Duration>,
    /// The share by which a wait varies both ways, 0 to 1: 0.2 makes 1 s anything from 0.8 to 1.2 s.
    pub jitter: f64,
    /// Whether a side that could not be reached at all is tried again. Off: falling back at once costs the caller less than 13 s
    /// of knocking, and the repeats are meant for a side that answers badly or late.
    pub retry_unreachable: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { waits: [1, 3, 9].map(Duration::from_secs).to_vec(), jitter: 0.2, retry_unreachable: false }
    }
}

impl RetryPolicy {
    /// One try and no repeat.
    #[must_use]
    pub const fn never() -> Self {
        Self { waits: Vec::new(), jitter: 0.0, retry_unreachable: false }
    }

    /// How many tries there are at most, the first included.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        u32::try_from(self.waits.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A failed try, as far as it matters for a repeat.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Which try it was; the first is 1.
    pub number: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// How it failed.
    pub error: &'a Error,
    /// What running the action does.
    pub effect: Effect,
    /// Time since the call was accepted.
    pub elapsed: Duration,
    /// How long the call may take in all.
    pub deadline: Duration,
}

impl<'a> Attempt<'a> {
    /// The first try of an outward call, at the very start, with 120 s to go; set the fields that differ.
    #[must_use]
    pub const fn failed(outcome: Outcome, error: &'a Error) -> Self {
        Self { number: 1, outcome, error, effect: Effect::Outward, elapsed: Duration::ZERO, deadline: Duration::from_secs(120) }
    }
}

/// What to do after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Try again after this long, if the budget allows.
    Again(Duration),
    /// Leave it.
    Stop(StopReason),
}

/// Why no further try is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// Another try would get the same answer, or the call is over.
    Final,
    /// It may have run, and running it twice could do harm.
    OutcomeUnknown,
    /// The side cannot be reached, and the policy does not knock twice.
    Unreachable,
    /// All tries are used up.
    Exhausted,
    /// The next try would start after the deadline.
    Deadline,
}

impl StopReason {
    /// The word for it in explanations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unreachable => "unreachable",
            Self::Exhausted => "exhausted",
            Self::Deadline => "deadline",
        }
    }
}

/// Whether and when to try again. `random` is a number from 0 to 1, so that the answer can be told in advance.
///
/// A wait that the other side asked for (`Retry-After`) takes the place of the scheduled one and is only ever lengthened by the
/// jitter; any other wait varies both ways. A wait that ends at or after the deadline is not begun.
///
/// ```
/// use everreach_core::retry::{Attempt, Next, RetryPolicy, StopReason, decide};
/// use everreach_core::{Effect, Error, ErrorKind, Outcome};
/// let error = Error::new(ErrorKind::Timeout, "no answer in time");
/// let mut attempt = Attempt::failed(Outcome::Unknown, &error);
/// assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::OutcomeUnknown));
/// attempt.effect = Effect::Read;
/// assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Again(std::time::Duration::from_secs(1)));
/// ```
#[must_use]
pub fn decide(attempt: &Attempt<'_>, policy: &RetryPolicy, random: f64) -> Next {
    match attempt.outcome {
        Outcome::Unknown if !attempt.effect.is_repeatable() => return Next::Stop(StopReason::OutcomeUnknown),
        Outcome::Unknown | Outcome::NotExecuted => {}
        _ => return Next::Stop(StopReason::Final),
    }
    let asked = match attempt.error.retry() {
        Retry::Later(wait) => wait,
        Retry::Unknown if attempt.outcome == Outcome::Unknown => Duration::ZERO,
        _ => return Next::Stop(StopReason::Final),
    };
    let never_reached = attempt.outcome == Outcome::NotExecuted && attempt.error.kind() == ErrorKind::Unreachable;
    if never_reached && !policy.retry_unreachable {
        return Next::Stop(StopReason::Unreachable);
    }
    let index = usize::try_from(attempt.number.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(scheduled) = policy.waits.get(index) else { return Next::Stop(StopReason::Exhausted) };
    let (spread, random) = (policy.jitter.clamp(0.0, 1.0), random.clamp(0.0, 1.0));
    let wait = if asked.is_zero() {
        stretch(*scheduled, 1.0 + spread * (2.0 * random - 1.0))
    } else {
        stretch(asked, 1.0 + spread * random)
    };
    match attempt.elapsed.checked_add(wait) {
        Some(start) if start < attempt.deadline => Next::Again(wait),
        _ => Next::Stop(StopReason::Deadline),
    }
}

fn stretch(wait: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// Reads a `Retry-After` header: seconds or an HTTP date. A date in the past is zero; `None` for anything else.
///
/// ```
/// use everreach_core::retry::parse_retry_after;
/// use std::time::Duration;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
/// assert_eq!(parse_retry_after("Fri, 20 Nov 2026 12:01:30 GMT", now), Some(Duration::from_secs(90)));
/// assert_eq!(parse_retry_after("soon", now), None);
/// ```
#[must_use]
pub fn parse_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let text = header.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((until - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
