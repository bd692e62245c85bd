//! Hours of the day in which sending is allowed.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind, Result, Timestamp};

/// Hours of the day, the first included, the last not: `9-21` is nine in the morning to nine in the evening, `0-24` is always,
/// and `22-6` is over midnight.
///
/// ```
/// use everreach_core::safari::ActiveHours;
/// let hours: ActiveHours = "9-21".parse()?;
/// let zone = chrono_tz::America::Chicago;
/// let night = "2026-11-20T08:00:00Z".parse().expect("a time");
/// assert!(!hours.contains(night, zone));
/// assert_eq!(hours.next_start(night, zone).to_rfc3339(), "2026-11-20T15:00:00+00:00");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveHours {
    start: u32,
    end: u32,
}

impl ActiveHours {
    /// All day.
    pub const ALWAYS: Self = Self { start: 0, end: 24 };
    /// Nine to nine, what the services keep to.
    pub const NINE_TO_NINE: Self = Self { start: 9, end: 21 };

    /// From an hour, 0 to 23, to an hour, 1 to 24.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for other hours, or twice the same.
    ///
    /// ```
    /// use everreach_core::safari::ActiveHours;
    /// assert_eq!(ActiveHours::new(0, 24)?, ActiveHours::ALWAYS);
    /// assert!(ActiveHours::new(9, 9).is_err());
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn new(start: u32, end: u32) -> Result<Self> {
        if start > 23 || end == 0 || end > 24 || start == end {
            return Err(wrong().with("seen", format!("{start}-{end}")));
        }
        Ok(Self { start, end })
    }

    /// Whether sending is allowed at this time in this zone.
    #[must_use]
    pub fn contains(&self, at: Timestamp, zone: Tz) -> bool {
        let hour = at.with_timezone(&zone).hour();
        if self.start < self.end { (self.start..self.end).contains(&hour) } else { hour >= self.start || hour < self.end }
    }

    /// The first moment at or after `now` at which sending is allowed.
    #[must_use]
    pub fn next_start(&self, now: Timestamp, zone: Tz) -> Timestamp {
        if self.contains(now, zone) {
            return now;
        }
        let today = now.with_timezone(&zone).date_naive();
        let start = NaiveTime::from_hms_opt(self.start, 0, 0).unwrap_or(NaiveTime::MIN);
        let starts = (0..=2).filter_map(|days| {
            let local = today.checked_add_days(Days::new(days))?.and_time(start);
            // An hour that the clock skips begins when it resumes; an hour that comes twice begins the first time.
            let skipped = || zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
            zone.from_local_datetime(&local).earliest().or_else(skipped).map(|start| start.to_utc())
        });
        starts.into_iter().find(|start| *start > now).unwrap_or(now)
    }
}

fn wrong() -> Error {
    Error::new(ErrorKind::Config, "active hours are written as in 9-21: first hour 0 to 23, last hour 1 to 24, 0-24 for always")
}

impl FromStr for ActiveHours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let hour = |text: &str| text.trim().parse::<u32>().ok();
        let hours = text.split_once('-').and_then(|(start, end)| hour(start).zip(hour(end)));
        hours.and_then(|(start, end)| Self::new(start, end).ok()).ok_or_else(|| wrong().with("seen", text.escape_debug()))
    }
}

impl fmt::Display for ActiveHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl Serialize for ActiveHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_first_hour_counts_and_the_last_does_not() {
        let hours = ActiveHours::NINE_TO_NINE;
        for (time, allowed) in [("08:59:59", false), ("09:00:00", true), ("20:59:59", true), ("21:00:00", false)] {
            assert_eq!(hours.contains(at(&format!("2026-11-20T{time}Z")), Tz::UTC), allowed, "{time}");
        }
    }

    #[test]
    fn hours_may_run_over_midnight() {
        let hours: ActiveHours = "22-6".parse().expect("hours");
        assert!(hours.contains(at("2026-11-20T23:30:00Z"), Tz::UTC) && hours.contains(at("2026-11-20T05:59:00Z"), Tz::UTC));
        assert_eq!(hours.next_start(at("2026-11-20T06:00:00Z"), Tz::UTC), at("2026-11-20T22:00:00Z"));
    }

    #[test]
    fn a_start_that_summer_time_skips_is_the_moment_the_clock_resumes() {
        let hours: ActiveHours = "2-5".parse().expect("hours");
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(hours.next_start(at("2026-03-29T00:30:00Z"), berlin), at("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn other_ways_to_write_hours_are_refused() {
        for text in ["", "9", "9-", "-9", "9-25", "24-3", "9-9", "nine-ten", "9:00-21:00", "0-0"] {
            let error = text.parse::<ActiveHours>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    proptest! {
        #[test]
        fn the_next_start_is_allowed_and_nothing_before_it_is(start in 0_u32..24, end in 1_u32..=24, offset in 0_i64..40_000_000, zone in 0_usize..4) {
            prop_assume!(start != end);
            let zone = [Tz::UTC, chrono_tz::America::Chicago, chrono_tz::Europe::Berlin, chrono_tz::Asia::Kolkata][zone];
            let hours = ActiveHours::new(start, end).expect("hours");
            let now = at("2026-01-01T00:00:00Z") + chrono::TimeDelta::seconds(offset);
            let next = hours.next_start(now, zone);
            prop_assert!(next >= now && hours.contains(next, zone), "{hours} {now} {next}");
            let mut between = now;
            while between < next {
                prop_assert!(!hours.contains(between, zone), "{hours} {now} {between} {next}");
                between += chrono::TimeDelta::minutes(15);
            }
        }
    }
}
