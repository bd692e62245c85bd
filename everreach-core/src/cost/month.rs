//! Months in a zone: where they begin and end, and where one is heading.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI32, Ordering};

use chrono::{Datelike, LocalResult, NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::{Error, ErrorKind, MicroUsd, Result, Timestamp};

/// The longest stretch of local time that a zone ever skipped is a whole day.
const LONGEST_GAP_MINUTES: i64 = 26 * 60;
/// A pace is not taken from less than this: the first call of a month would forecast a fortune.
const SHORTEST_PACE: TimeDelta = TimeDelta::days(1);

/// A calendar month; written `YYYY-MM`.
///
/// Months of one zone share their boundaries: every moment is in exactly one, summer time or not.
///
/// ```
/// use everreach_core::cost::Month;
/// let chicago = chrono_tz::America::Chicago;
/// let month = Month::of("2026-11-01T04:59:59Z".parse().expect("a time"), chicago);
/// assert_eq!(month.to_string(), "2026-10");
/// assert_eq!(month.end(chicago), "2026-11-01T05:00:00Z".parse::<everreach_core::Timestamp>().expect("a time"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Months since January of year 0.
    index: i32,
}

impl Month {
    /// The month that this moment is in.
    #[must_use]
    pub fn of(at: Timestamp, zone: Tz) -> Self {
        let local = at.with_timezone(&zone).date_naive();
        let month = Self::containing(local);
        // Where clocks go back across midnight of the first, local time is in the old month again: the boundary was passed.
        if at >= month.end(zone) { month.next() } else { month }
    }

    /// The month of a calendar day.
    #[must_use]
    pub fn containing(day: NaiveDate) -> Self {
        let zero_based = i32::try_from(day.month0()).unwrap_or(0);
        Self { index: day.year() * 12 + zero_based }
    }

    /// The month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { index: self.index.saturating_add(1) }
    }

    /// The month before this one.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self { index: self.index.saturating_sub(1) }
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self, zone: Tz) -> Timestamp {
        let first = NaiveDate::from_ymd_opt(self.year(), self.number(), 1);
        first.map_or(Timestamp::MAX_UTC, |first| start_of_day(first, zone))
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self, zone: Tz) -> Timestamp {
        self.next().start(zone)
    }

    /// How much of it has passed, between 0 and 1.
    #[must_use]
    pub fn elapsed_share(self, now: Timestamp, zone: Tz) -> f64 {
        let (start, end) = (self.start(zone), self.end(zone));
        let elapsed = (now.clamp(start, end) - start).as_seconds_f64();
        elapsed / (end - start).as_seconds_f64()
    }

    /// What it will have cost at its end at the pace so far: the total by the elapsed share, at least one day of it, and
    /// never less than the total.
    ///
    /// ```
    /// use everreach_core::{MicroUsd, cost::Month};
    /// let month: Month = "2026-11".parse().expect("a month");
    /// let third = month.forecast(MicroUsd::from_usd(100), "2026-11-11T00:00:00Z".parse().expect("a time"), chrono_tz::UTC);
    /// assert_eq!(third, MicroUsd::from_usd(300));
    /// ```
    #[must_use]
    pub fn forecast(self, total: MicroUsd, now: Timestamp, zone: Tz) -> MicroUsd {
        let (start, end) = (self.start(zone), self.end(zone));
        let seconds = |span: TimeDelta| i128::from(span.num_seconds().max(1));
        let elapsed = seconds((now.clamp(start, end) - start).max(SHORTEST_PACE));
        let micros = i128::from(total.micros()) * seconds(end - start) / elapsed;
        MicroUsd::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).max(total)
    }

    const fn year(self) -> i32 {
        self.index.div_euclid(12)
    }

    const fn number(self) -> u32 {
        self.index.rem_euclid(12).unsigned_abs() + 1
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl FromStr for Month {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok().filter(|_| text.len() == 7);
        first
            .map(Self::containing)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a month is written YYYY-MM, such as 2026-11").with("seen", text))
    }
}

/// The first moment of a calendar day: the earlier one where clocks showed midnight twice, the first that exists where they
/// skipped it.
pub(super) fn start_of_day(day: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    (0..=LONGEST_GAP_MINUTES)
        .find_map(|minutes| match zone.from_local_datetime(&(midnight + TimeDelta::minutes(minutes))) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => None,
        })
        .unwrap_or_else(|| midnight.and_utc())
}

/// The current month, which never goes back within a process, even when the clock does: a month once left stays closed.
#[derive(Debug)]
pub(super) struct MonthClock {
    newest: AtomicI32,
}

impl MonthClock {
    pub(super) const fn new() -> Self {
        Self { newest: AtomicI32::new(i32::MIN) }
    }

    pub(super) fn month(&self, now: Timestamp, zone: Tz) -> Month {
        let index = Month::of(now, zone).index;
        Month { index: self.newest.fetch_max(index, Ordering::Relaxed).max(index) }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Pacific, UTC};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn months_begin_at_local_midnight_east_and_west_of_utc() {
        for (zone, last_of_october) in [
            (UTC, "2026-10-31T23:59:59.999999Z"),
            (America::Chicago, "2026-11-01T04:59:59.999999Z"),
            (Asia::Tokyo, "2026-10-31T14:59:59.999999Z"),
            (Pacific::Kiritimati, "2026-10-31T09:59:59.999999Z"),
        ] {
            let last = at(last_of_october);
            let first = last + TimeDelta::microseconds(1);
            assert_eq!(
                (Month::of(last, zone).to_string(), Month::of(first, zone).to_string()),
                ("2026-10".into(), "2026-11".into())
            );
            assert_eq!((Month::of(first, zone).start(zone), Month::of(last, zone).end(zone)), (first, first), "{zone}");
        }
    }

    #[test]
    fn a_midnight_that_summer_time_skips_or_repeats_still_begins_the_month_once() {
        // Paraguay skipped 00:00 to 01:00 on 1 October 2017; Newfoundland went back from 00:01 to 23:01 on 1 November 2009.
        assert_eq!(
            Month::containing(NaiveDate::from_ymd_opt(2017, 10, 1).expect("a day")).start(America::Asuncion),
            at("2017-10-01T04:00:00Z")
        );
        let boundary = "2009-11".parse::<Month>().expect("a month").start(America::St_Johns);
        assert_eq!(Month::of(boundary + TimeDelta::minutes(30), America::St_Johns).to_string(), "2009-11");
    }

    #[test]
    fn the_forecast_follows_the_pace_but_not_the_first_minutes() {
        let month: Month = "2026-11".parse().expect("a month");
        let one = MicroUsd::from_usd(1);
        assert_eq!(month.forecast(one, at("2026-11-01T00:00:01Z"), UTC), MicroUsd::from_usd(30));
        assert_eq!(month.forecast(one, at("2026-11-16T00:00:00Z"), UTC), MicroUsd::from_usd(2));
        assert_eq!(month.forecast(one, at("2027-03-01T00:00:00Z"), UTC), one);
        assert_eq!(month.forecast(MicroUsd::MAX, at("2026-11-02T00:00:00Z"), UTC), MicroUsd::MAX);
        assert!((month.elapsed_share(at("2026-11-16T00:00:00Z"), UTC) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_month_does_not_go_back_with_the_clock() {
        let months = MonthClock::new();
        assert_eq!(months.month(at("2026-12-01T00:00:00Z"), UTC).to_string(), "2026-12");
        assert_eq!(months.month(at("2026-11-30T23:59:59Z"), UTC).to_string(), "2026-12");
    }

    #[test]
    fn text_of_another_form_is_not_a_month() {
        for text in ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-01", "unreadable"] {
            assert!(text.parse::<Month>().is_err(), "{text} passed");
        }
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_exactly_one_month_of_every_zone(seconds in 0_i64..4_102_444_800, zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..])) {
            let moment = Timestamp::from_timestamp(seconds, 0).expect("a time");
            let month = Month::of(moment, zone);
            prop_assert!(month.start(zone) <= moment && moment < month.end(zone), "{zone} {moment} {month}");
            prop_assert_eq!(month.to_string().parse::<Month>().expect("its own text"), month);
        }
    }
}
