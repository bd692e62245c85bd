//! What has been taken.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DurationRound, NaiveDate, TimeDelta, Timelike};
use serde::Serialize;

use super::{Limit, Room, room};
use crate::Timestamp;

/// What an account has used of one action's limits, in the current hour and day of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(clippy::exhaustive_structs, reason = "an hour and a day is all there is")]
pub struct Usage {
    /// In this hour.
    pub this_hour: u32,
    /// Today.
    pub today: u32,
}

impl Usage {
    /// Both together.
    ///
    /// ```
    /// use everreach_core::safari::limits::Usage;
    /// let (ours, theirs) = (Usage { this_hour: 1, today: 2 }, Usage { this_hour: 0, today: 3 });
    /// assert_eq!(ours.plus(theirs), Usage { this_hour: 1, today: 5 });
    /// ```
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { this_hour: self.this_hour.saturating_add(other.this_hour), today: self.today.saturating_add(other.today) }
    }

    /// Without so many of this hour.
    ///
    /// ```
    /// use everreach_core::safari::limits::Usage;
    /// assert_eq!(Usage { this_hour: 1, today: 2 }.minus(1), Usage { this_hour: 0, today: 1 });
    /// ```
    #[must_use]
    pub const fn minus(self, count: u32) -> Self {
        Self { this_hour: self.this_hour.saturating_sub(count), today: self.today.saturating_sub(count) }
    }
}

/// What one action of one account has used, hour by hour of UTC.
///
/// Every hour keeps its own number, so that a clock that steps over midnight and back finds what it had counted.
///
/// ```
/// use everreach_core::safari::limits::{Counter, Limit, Room};
/// let now = "2026-11-20T23:59:59Z".parse().expect("a time");
/// let mut counter = Counter::default();
/// assert_eq!(counter.take(1, Limit::per_day(1), now), Room::Open);
/// assert!(matches!(counter.take(1, Limit::per_day(1), now), Room::Full { .. }));
/// let tomorrow = "2026-11-21T00:00:00Z".parse().expect("a time");
/// assert_eq!(counter.take(1, Limit::per_day(1), tomorrow), Room::Open);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counter(BTreeMap<NaiveDate, [u32; 24]>);

/// The index of the hour within its day.
fn hour_of(at: Timestamp) -> usize {
    usize::try_from(at.hour()).unwrap_or(0)
}

impl Counter {
    /// What counts now.
    ///
    /// ```
    /// # use everreach_core::safari::limits::{Counter, Limit, Usage};
    /// # let now = "2026-11-20T12:59:00Z".parse().expect("a time");
    /// let mut counter = Counter::default();
    /// let _ = counter.take(2, Limit::per_day(9), now);
    /// let later = now + std::time::Duration::from_secs(60);
    /// assert_eq!(counter.usage(later), Usage { this_hour: 0, today: 2 });
    /// ```
    #[must_use]
    pub fn usage(&self, now: Timestamp) -> Usage {
        self.0.get(&now.date_naive()).map_or_else(Usage::default, |hours| Usage {
            this_hour: hours[hour_of(now)],
            today: hours.iter().copied().fold(0, u32::saturating_add),
        })
    }

    /// Takes so many, when there is room for all of them; says whether there was.
    pub fn take(&mut self, count: u32, limit: Limit, now: Timestamp) -> Room {
        let found = room(limit, self.usage(now), count, now);
        if found == Room::Open {
            let hour = &mut self.0.entry(now.date_naive()).or_default()[hour_of(now)];
            *hour = hour.saturating_add(count);
        }
        found
    }

    /// Gives back what was taken at that time and certainly not used.
    ///
    /// ```
    /// # use everreach_core::safari::limits::{Counter, Limit, Usage};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let mut counter = Counter::default();
    /// let _ = counter.take(1, Limit::per_day(9), now);
    /// counter.give_back(1, now);
    /// assert_eq!(counter.usage(now), Usage::default());
    /// ```
    pub fn give_back(&mut self, count: u32, taken_at: Timestamp) {
        if let Some(hours) = self.0.get_mut(&taken_at.date_naive()) {
            let hour = &mut hours[hour_of(taken_at)];
            *hour = hour.saturating_sub(count);
        }
    }

    /// Forgets the days before this one.
    ///
    /// ```
    /// # use everreach_core::safari::limits::{Counter, Limit, Usage};
    /// # let now = "2026-11-20T12:00:00Z".parse::<everreach_core::Timestamp>().expect("a time");
    /// let mut counter = Counter::default();
    /// let _ = counter.take(1, Limit::per_day(9), now);
    /// counter.forget_before("2026-11-21".parse().expect("a day"));
    /// assert_eq!(counter, Counter::default());
    /// ```
    pub fn forget_before(&mut self, day: NaiveDate) {
        self.0.retain(|kept, _| *kept >= day);
    }
}

/// The end of the hour and of the day that a time is in.
pub(super) fn ends(now: Timestamp) -> (Timestamp, Timestamp) {
    let start = |length| now.duration_trunc(length).unwrap_or(now);
    (start(TimeDelta::hours(1)) + Duration::from_secs(3_600), start(TimeDelta::days(1)) + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn the_day_ends_at_midnight_of_utc() {
        let late: Timestamp = "2026-11-20T23:59:59.999999Z".parse().expect("a time");
        let mut counter = Counter::default();
        assert_eq!(counter.take(1, Limit::per_day(1), late), Room::Open);
        assert_ne!(counter.take(1, Limit::per_day(1), late), Room::Open);
        assert_eq!(counter.take(1, Limit::per_day(1), late + Duration::from_micros(1)), Room::Open);
    }

    #[test]
    fn a_clock_that_steps_over_midnight_and_back_finds_what_it_had_counted() {
        let mut counter = Counter::default();
        let limit = Limit::per_day(1);
        assert_eq!(counter.take(1, limit, noon()), Room::Open);
        assert_eq!(counter.take(1, limit, noon() + Duration::from_secs(86_400)), Room::Open);
        assert_ne!(counter.take(1, limit, noon()), Room::Open);
    }

    #[test]
    fn what_was_given_back_after_midnight_is_not_taken_from_the_new_day() {
        let mut counter = Counter::default();
        let limit = Limit::per_day(5);
        assert_eq!(counter.take(1, limit, noon()), Room::Open);
        let tomorrow = noon() + Duration::from_secs(86_400);
        assert_eq!(counter.take(1, limit, tomorrow), Room::Open);
        counter.give_back(1, noon());
        assert_eq!(counter.usage(tomorrow), Usage { this_hour: 1, today: 1 });
        assert_eq!(counter.usage(noon()), Usage::default());
    }

    proptest! {
        /// However the clock jumps, no hour and no day that is counted has more sends than its limit.
        #[test]
        fn no_day_and_no_hour_ever_passes_its_limit(
            steps in prop::collection::vec((-100_000_i64..200_000, 1_u32..4, any::<bool>()), 1..120),
            per_hour in 0_u32..6,
            per_day in 0_u32..12,
        ) {
            let limit = Limit { per_hour: Some(per_hour), per_day: Some(per_day) };
            let mut now = noon();
            let mut counter = Counter::default();
            let (mut days, mut hours) = (BTreeMap::<_, u32>::new(), BTreeMap::<_, u32>::new());
            for (seconds, count, is_given_back) in steps {
                now += TimeDelta::seconds(seconds);
                if counter.take(count, limit, now) != Room::Open {
                    continue;
                }
                if is_given_back {
                    counter.give_back(count, now);
                } else {
                    *days.entry(now.date_naive()).or_default() += count;
                    *hours.entry((now.date_naive(), hour_of(now))).or_default() += count;
                }
                prop_assert!(days.values().all(|sum| *sum <= per_day), "{days:?}");
                prop_assert!(hours.values().all(|sum| *sum <= per_hour), "{hours:?}");
            }
        }
    }
}
