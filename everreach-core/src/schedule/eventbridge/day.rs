//! The two day fields.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use super::field::{DAY_OF_MONTH, DAY_OF_WEEK};
use super::wrong;
use crate::Result;

/// Which days of a month fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DayRule {
    /// `*`, in either field.
    Every,
    /// Days of the month.
    OfMonth(BTreeSet<u16>),
    /// `L`: the last day of the month.
    LastOfMonth,
    /// `15W`: the working day nearest to it, in the same month.
    NearestWorkingDay(u16),
    /// Days of the week, 1 is Sunday.
    OfWeek(BTreeSet<u16>),
    /// `6L`: the last of these in the month.
    LastOfWeek(u16),
    /// `3#2`: the second Tuesday.
    NthOfWeek(u16, u16),
}

impl DayRule {
    /// Reads both fields, of which one is `?`.
    pub(super) fn parse(of_month: &str, of_week: &str) -> Result<Self> {
        match (of_month, of_week) {
            ("?", "?") => Err(wrong("only one of the two day fields is `?`", "? ?")),
            (_, "?") => Self::of_month(of_month),
            ("?", _) => Self::of_week(of_week),
            _ => {
                let sentence = "exactly one of day of month and day of week is `?`: put it where any day will do";
                Err(wrong(sentence, &format!("{of_month} {of_week}")))
            }
        }
    }

    fn of_month(text: &str) -> Result<Self> {
        match text {
            "*" => return Ok(Self::Every),
            "L" => return Ok(Self::LastOfMonth),
            _ => {}
        }
        match text.strip_suffix('W') {
            Some(day) => DAY_OF_MONTH.value(day).map(Self::NearestWorkingDay),
            None => DAY_OF_MONTH.values(text).map(Self::OfMonth),
        }
    }

    fn of_week(text: &str) -> Result<Self> {
        match text {
            "*" => return Ok(Self::Every),
            // The last day of the week.
            "L" => return Ok(Self::OfWeek([DAY_OF_WEEK.last].into())),
            _ => {}
        }
        if let Some((day, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth) && text.len() <= 5);
            let nth =
                nth.ok_or_else(|| wrong("what follows `#` is one number from 1 to 5", text).with("field", DAY_OF_WEEK.name))?;
            return Ok(Self::NthOfWeek(DAY_OF_WEEK.value(day)?, nth));
        }
        match text.strip_suffix('L') {
            Some(day) => DAY_OF_WEEK.value(day).map(Self::LastOfWeek),
            None => DAY_OF_WEEK.values(text).map(Self::OfWeek),
        }
    }

    /// Whether this day fires.
    pub(super) fn fires_on(&self, day: NaiveDate) -> bool {
        let of_month = u16::try_from(day.day()).unwrap_or(0);
        let of_week = u16::try_from(day.weekday().num_days_from_sunday() + 1).unwrap_or(0);
        let is_in_month = |days| day.checked_add_days(Days::new(days)).is_some_and(|later| later.month() == day.month());
        match self {
            Self::Every => true,
            Self::OfMonth(days) => days.contains(&of_month),
            Self::LastOfMonth => !is_in_month(1),
            Self::NearestWorkingDay(wanted) => nearest_working_day(day, *wanted) == Some(day),
            Self::OfWeek(days) => days.contains(&of_week),
            Self::LastOfWeek(wanted) => of_week == *wanted && !is_in_month(7),
            Self::NthOfWeek(wanted, nth) => of_week == *wanted && of_month.div_ceil(7) == *nth,
        }
    }
}

/// The working day nearest to the `wanted` day of this month, without leaving it; none in a month that is too short.
fn nearest_working_day(month: NaiveDate, wanted: u16) -> Option<NaiveDate> {
    let day = month.with_day(wanted.into())?;
    match day.weekday() {
        Weekday::Sat if wanted == 1 => day.checked_add_days(Days::new(2)),
        Weekday::Sat => day.checked_sub_days(Days::new(1)),
        Weekday::Sun => {
            let monday = day.checked_add_days(Days::new(1))?;
            if monday.month() == day.month() { Some(monday) } else { day.checked_sub_days(Days::new(2)) }
        }
        _ => Some(day),
    }
}
