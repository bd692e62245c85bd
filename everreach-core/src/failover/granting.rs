//! What the local side knows of the grants it gives.

use std::time::Duration;

use super::grant::TAKE_OVER_AFTER;

/// A cloud that answers this long and takes no grant is spoken of.
pub(super) const UNGRANTED_AFTER: Duration = Duration::from_secs(60);

/// All times are of one monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Granting {
    /// Whether the cloud acts by grants, as far as it has shown. One that acts by its own lease is never taken over from by waiting.
    pub(super) is_known: bool,
    /// When it was last given the right to act.
    granted_at: Option<Duration>,
    /// When it last took one.
    accepted_at: Option<Duration>,
    is_spoken_of: bool,
}

impl Granting {
    pub(super) const fn gave(&mut self, at: Duration) {
        self.granted_at = Some(at);
    }

    pub(super) const fn accepted(&mut self, at: Duration) {
        self.accepted_at = Some(at);
        self.is_spoken_of = false;
    }

    /// Whether every grant has run out, for a side that is armed since then. A process that starts knows of no grant that an earlier run
    /// gave.
    pub(super) fn are_over(&self, armed_since: Duration, at: Duration) -> bool {
        let last = self.granted_at.unwrap_or(armed_since);
        self.is_known && at.saturating_sub(last) >= TAKE_OVER_AFTER
    }

    /// Until when the cloud may have acted; none where it does not act by grants.
    pub(super) fn acted_until(&self, at: Duration) -> Option<Duration> {
        self.is_known.then(|| self.granted_at.map_or(at, |granted| at.min(granted + TAKE_OVER_AFTER)))
    }

    /// Whether it has to be said that a cloud which has answered well for so long takes no grant; once until it takes one.
    pub(super) fn speak_of(&mut self, good_for: Duration, at: Duration) -> bool {
        let is_late = self.accepted_at.is_none_or(|accepted| at.saturating_sub(accepted) >= UNGRANTED_AFTER);
        let has_to = !self.is_spoken_of && is_late && good_for >= UNGRANTED_AFTER;
        self.is_spoken_of |= has_to;
        has_to
    }
}
