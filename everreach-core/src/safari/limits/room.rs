//! Whether there is room.

use super::counter::ends;
use super::{Limit, Usage};
use crate::Timestamp;

/// Which limit it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// The one by the hour.
    Hour,
    /// The one by the day.
    Day,
}

/// Whether there is room for so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Room {
    /// There is.
    Open,
    /// Not before this time.
    Full {
        /// When it begins anew.
        until: Timestamp,
        /// Which limit is reached.
        window: Window,
        /// How many it allows.
        limit: u32,
        /// How many were used.
        used: u32,
    },
    /// Never: the limit is smaller than what is wanted. A limit of 0 refuses everything.
    Never {
        /// Which limit is too small.
        window: Window,
        /// How many it allows.
        limit: u32,
    },
}

/// Whether there is room for `count` more. When both limits are reached, the later end counts.
///
/// ```
/// use everreach_core::safari::limits::{Limit, Room, Usage, Window, room};
/// let now = "2026-11-20T12:34:00Z".parse().expect("a time");
/// let limit = Limit { per_hour: Some(5), per_day: Some(20) };
/// assert_eq!(room(limit, Usage { this_hour: 4, today: 4 }, 1, now), Room::Open);
/// let full = room(limit, Usage { this_hour: 5, today: 5 }, 1, now);
/// let until = "2026-11-20T13:00:00Z".parse().expect("a time");
/// assert_eq!(full, Room::Full { until, window: Window::Hour, limit: 5, used: 5 });
/// assert_eq!(room(Limit::per_day(0), Usage::default(), 1, now), Room::Never { window: Window::Day, limit: 0 });
/// ```
pub fn room(limit: Limit, used: Usage, count: u32, now: Timestamp) -> Room {
    let (hour_ends, day_ends) = ends(now);
    let windows = [(Window::Day, limit.per_day, used.today, day_ends), (Window::Hour, limit.per_hour, used.this_hour, hour_ends)];
    for (window, allowed, ..) in windows {
        if let Some(limit) = allowed.filter(|allowed| count > *allowed) {
            return Room::Never { window, limit };
        }
    }
    for (window, allowed, used, until) in windows {
        if let Some(limit) = allowed.filter(|allowed| used.saturating_add(count) > *allowed) {
            return Room::Full { until, window, limit, used };
        }
    }
    Room::Open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_day_is_told_before_a_full_hour() {
        let now = "2026-11-20T12:34:00Z".parse().expect("a time");
        let limit = Limit { per_hour: Some(5), per_day: Some(5) };
        let full = room(limit, Usage { this_hour: 5, today: 5 }, 1, now);
        let until = "2026-11-21T00:00:00Z".parse().expect("a time");
        assert_eq!(full, Room::Full { until, window: Window::Day, limit: 5, used: 5 });
    }

    #[test]
    fn a_limit_that_was_lowered_below_what_is_used_is_full() {
        let now = "2026-11-20T12:34:00Z".parse().expect("a time");
        assert!(matches!(room(Limit::per_day(2), Usage { this_hour: 0, today: 9 }, 1, now), Room::Full { used: 9, .. }));
    }

    #[test]
    fn ten_at_once_never_fit_under_a_limit_of_nine() {
        let now = "2026-11-20T12:34:00Z".parse().expect("a time");
        assert_eq!(room(Limit::per_day(9), Usage::default(), 10, now), Room::Never { window: Window::Day, limit: 9 });
        assert_eq!(room(Limit::default(), Usage { this_hour: 900, today: 900 }, 10, now), Room::Open);
    }
}
