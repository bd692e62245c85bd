//! `cron(…)`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Timelike as _};

use super::day::DayRule;
use super::field::{HOUR, MINUTE, MONTH, YEAR};
use super::wrong;
use crate::{Error, Result, Timestamp};

/// Six fields, in UTC.
///
/// ```
/// use everreach_core::schedule::eventbridge::CronExpression;
/// let cron: CronExpression = "0 6 L * ? *".parse()?;
/// let last = cron.after("2028-02-01T00:00:00Z".parse().expect("a time"));
/// assert_eq!(last, Some("2028-02-29T06:00:00Z".parse().expect("a time")));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronExpression {
    text: String,
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: DayRule,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

impl FromStr for CronExpression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields[..] else {
            let sentence = "cron(…) has six fields: minute, hour, day of month, month, day of week, year";
            return Err(wrong(sentence, text).with("fields", fields.len()));
        };
        Ok(Self {
            minutes: MINUTE.values(minutes)?,
            hours: HOUR.values(hours)?,
            days: DayRule::parse(of_month, of_week)?,
            months: MONTH.values(months)?,
            years: YEAR.values(years)?,
            text: fields.join(" "),
        })
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl CronExpression {
    /// The first firing after this moment; none once its years are over.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let start = at.with_second(0)?.with_nanosecond(0)? + TimeDelta::minutes(1);
        let mut day = start.date_naive();
        if let Some(found) = self.on(day).then(|| self.time_from(start.time())).flatten() {
            return Some(day.and_time(found).and_utc());
        }
        loop {
            day = self.skip(day)?;
            if self.on(day) {
                return Some(day.and_time(self.time_from(NaiveTime::MIN)?).and_utc());
            }
        }
    }

    fn on(&self, day: NaiveDate) -> bool {
        let has = |values: &BTreeSet<u16>, value: u32| u16::try_from(value).is_ok_and(|value| values.contains(&value));
        u32::try_from(day.year()).is_ok_and(|year| has(&self.years, year))
            && has(&self.months, day.month())
            && self.days.fires_on(day)
    }

    /// The next day worth looking at: whole months and years that do not fire are passed over.
    fn skip(&self, day: NaiveDate) -> Option<NaiveDate> {
        let year = u16::try_from(day.year()).unwrap_or(0);
        if !self.years.contains(&year) {
            let next = *self.years.range(year.saturating_add(1)..).next()?;
            return NaiveDate::from_ymd_opt(next.into(), 1, 1);
        }
        if u16::try_from(day.month()).is_ok_and(|month| self.months.contains(&month)) {
            return day.checked_add_days(Days::new(1));
        }
        let (year, month) = if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
        NaiveDate::from_ymd_opt(year, month, 1)
    }

    fn time_from(&self, from: NaiveTime) -> Option<NaiveTime> {
        let (hour, minute) = (u16::try_from(from.hour()).ok()?, u16::try_from(from.minute()).ok()?);
        let in_this_hour = self.hours.contains(&hour).then(|| self.minutes.range(minute..).next()).flatten();
        let (hour, minute) = match in_this_hour {
            Some(minute) => (hour, *minute),
            None => (*self.hours.range(hour + 1..).next()?, *self.minutes.first()?),
        };
        NaiveTime::from_hms_opt(hour.into(), minute.into(), 0)
    }
}
