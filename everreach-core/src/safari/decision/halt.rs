//! A platform, or one kind of action on it, that has to stop.

use std::time::Duration;

use serde::Serialize;

use crate::Timestamp;
use crate::safari::gate::Dispatchable;
use crate::safari::{DispatchOutcome, HaltCause, LimitedAction, Platform};

/// How long an action block and a platform's own limit rest what they are about.
const REST: Duration = Duration::from_secs(24 * 3_600);
/// How long an account that was signed out goes at half its rate, once it has rested.
const HALF_RATE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A stop of an account: of all it does, or of one kind of action.
///
/// | cause | stops | until |
/// |---|---|---|
/// | captcha, account restricted | everything on the account | a person resumes it |
/// | signed out | everything on the account | 24 hours after a person resumes it; then it goes at half its rate for a week |
/// | action block | that kind of action | 24 hours are over |
/// | the platform limits the account | everything on the account | 24 hours are over |
///
/// ```
/// use everreach_core::safari::decision::Halt;
/// use everreach_core::safari::{HaltCause, LimitedAction, Platform};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let halt = Halt::after(HaltCause::ActionBlock, Platform::Instagram, Some(LimitedAction::Comment), now);
/// assert!(halt.stops(Platform::Threads, Some(LimitedAction::Comment), now), "the same account");
/// assert!(!halt.stops(Platform::Instagram, Some(LimitedAction::Dm), now));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Halt {
    /// The platform of the account.
    pub account: Platform,
    /// The kind of action that is stopped; none for all of them.
    pub action: Option<LimitedAction>,
    /// Why.
    pub cause: HaltCause,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none until a person resumes it.
    pub until: Option<Timestamp>,
}

impl Halt {
    /// How long an account that was signed out rests once a person has lifted its stop.
    pub const REST_AFTER_LOGIN: Duration = REST;

    /// The stop that follows from a cause seen on a platform during an action.
    #[must_use]
    pub fn after(cause: HaltCause, platform: Platform, action: Option<LimitedAction>, now: Timestamp) -> Self {
        let (action, until) = match cause {
            HaltCause::Captcha | HaltCause::Login | HaltCause::Restricted => (None, None),
            HaltCause::ActionBlock => (action, Some(now + REST)),
            HaltCause::PlatformLimit => (None, Some(now + REST)),
        };
        Self { account: platform.account(), action, cause, since: now, until }
    }

    /// The stop that follows from the outcome of a command, if any.
    ///
    /// ```
    /// use everreach_core::safari::decision::Halt;
    /// use everreach_core::safari::{Command, DispatchOutcome, Platform, Reason, Repeat, gate::check};
    /// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let dm = check(&Command::dm(Platform::Tiktok, "bob", "hello", now))?;
    /// let outcome = DispatchOutcome::refused(Repeat::Free, Reason::Captcha, "TikTok shows a captcha");
    /// let halt = Halt::from_outcome(&dm, &outcome, now).expect("a stop");
    /// assert_eq!((halt.account, halt.action, halt.until), (Platform::Tiktok, None, None));
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub fn from_outcome(command: &Dispatchable, outcome: &DispatchOutcome, now: Timestamp) -> Option<Self> {
        Some(Self::after(outcome.halt()?, command.platform()?, command.action(), now))
    }

    /// Whether it stops anything now.
    ///
    /// ```
    /// use everreach_core::safari::{HaltCause, Platform, decision::Halt};
    /// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// assert!(Halt::after(HaltCause::Captcha, Platform::Twitter, None, now).is_in_force(now));
    /// ```
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Until when the account goes at half its rate because of it; none when it does not now.
    ///
    /// ```
    /// use everreach_core::safari::{HaltCause, Platform, decision::Halt};
    /// use std::time::Duration;
    /// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let mut halt = Halt::after(HaltCause::Login, Platform::Twitter, None, now);
    /// halt.until = Some(now + Halt::REST_AFTER_LOGIN);
    /// let day = Duration::from_secs(24 * 3_600);
    /// assert_eq!(halt.half_rate_until(now), None, "nothing goes at all");
    /// assert_eq!(halt.half_rate_until(now + day), Some(now + 8 * day));
    /// assert_eq!(halt.half_rate_until(now + 8 * day), None);
    /// ```
    #[must_use]
    pub fn half_rate_until(&self, now: Timestamp) -> Option<Timestamp> {
        let rested = self.until.filter(|_| self.cause == HaltCause::Login)?;
        Some(rested + HALF_RATE).filter(|until| rested <= now && now < *until)
    }

    /// Before this time a stop has to have ended for nothing to follow from it any more.
    pub(in crate::safari) fn of_interest_since(now: Timestamp) -> Timestamp {
        now - HALF_RATE
    }

    /// Whether it stops this action on this platform now. What is neither a message nor a comment, a search say, is stopped
    /// only by a stop of the whole account.
    #[must_use]
    pub fn stops(&self, platform: Platform, action: Option<LimitedAction>, now: Timestamp) -> bool {
        self.account == platform.account() && self.is_in_force(now) && self.action.is_none_or(|stopped| Some(stopped) == action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn what_a_person_has_to_mend_stops_the_account_until_somebody_resumes_it() {
        for cause in [HaltCause::Captcha, HaltCause::Login, HaltCause::Restricted] {
            let halt = Halt::after(cause, Platform::Tiktok, Some(LimitedAction::Dm), now());
            let years = now() + Duration::from_secs(1_000 * 24 * 3_600);
            for action in [Some(LimitedAction::Dm), Some(LimitedAction::Comment), None] {
                assert!(halt.stops(Platform::Tiktok, action, years), "{cause} {action:?}");
                assert!(!halt.stops(Platform::Twitter, action, now()), "{cause} {action:?}");
            }
        }
    }

    #[test]
    fn an_action_block_is_over_after_a_day() {
        let halt = Halt::after(HaltCause::ActionBlock, Platform::Instagram, Some(LimitedAction::Dm), now());
        assert!(halt.stops(Platform::Instagram, Some(LimitedAction::Dm), now() + REST - Duration::from_micros(1)));
        assert!(!halt.stops(Platform::Instagram, Some(LimitedAction::Dm), now() + REST));
        assert!(!halt.stops(Platform::Instagram, None, now()));
    }
}
