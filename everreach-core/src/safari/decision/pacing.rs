//! How far apart commands are.

use std::time::Duration;

use crate::safari::{LimitedAction, Platform};

/// Spacing and rest.
///
/// ```
/// use everreach_core::safari::decision::Pacing;
/// use everreach_core::safari::{LimitedAction, Platform};
/// use std::time::Duration;
/// let pacing = Pacing::default();
/// assert_eq!(pacing.delay(Platform::Twitter, LimitedAction::Dm), Duration::from_secs(120));
/// assert_eq!(pacing.delay(Platform::Twitter, LimitedAction::Comment), Duration::from_secs(60));
/// assert_eq!(pacing.rest(Duration::from_secs(90)), Duration::from_secs(90));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pacing {
    /// The time from one send to the next of the same action on the same account: `SAFARI_MIN_DELAY_MS`. 0 removes all
    /// spacing; none takes the default of platform and action.
    pub min_delay: Option<Duration>,
    /// How long Safari rests after an unknown outcome: `SAFARI_REST_AFTER_UNKNOWN_SEC`. 0 for not at all; none takes the time
    /// limit of what was tried, since it may still be typing for that long.
    pub rest_after_unknown: Option<Duration>,
}

impl Pacing {
    /// The time from one send to the next: two minutes between messages and one between comments, unless set otherwise. The
    /// services ask for it and enforce nothing.
    #[must_use]
    pub fn delay(&self, platform: Platform, action: LimitedAction) -> Duration {
        self.min_delay.unwrap_or(match (platform, action) {
            (_, LimitedAction::Dm) => Duration::from_secs(120),
            (_, LimitedAction::Comment) => Duration::from_secs(60),
        })
    }

    /// The time from one send to the next of any two accounts or actions: a minute, or less where less is set.
    ///
    /// ```
    /// use everreach_core::safari::decision::Pacing;
    /// assert_eq!(Pacing::default().combined_delay().as_secs(), 60);
    /// ```
    #[must_use]
    pub fn combined_delay(&self) -> Duration {
        let minute = Duration::from_secs(60);
        self.min_delay.map_or(minute, |delay| delay.min(minute))
    }

    /// How long Safari rests after an unknown outcome of something with this time limit.
    #[must_use]
    pub fn rest(&self, timeout: Duration) -> Duration {
        self.rest_after_unknown.unwrap_or(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_removes_all_spacing_and_all_rest() {
        let pacing = Pacing { min_delay: Some(Duration::ZERO), rest_after_unknown: Some(Duration::ZERO) };
        assert!(LimitedAction::ALL.iter().all(|action| pacing.delay(Platform::Instagram, *action).is_zero()));
        assert!(pacing.combined_delay().is_zero() && pacing.rest(Duration::from_secs(180)).is_zero());
    }
}
