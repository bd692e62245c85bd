//! Schedule expressions of Amazon EventBridge rules: read, checked, and reckoned with.
//!
//! `cron(…)` has six fields in UTC: minute, hour, day of the month, month, day of the week (1 or SUN to 7 or SAT), year (1970 to 2199).
//! Exactly one of the two day fields is `?`. `rate(…)` counts minutes, hours or days, in the singular only for 1.

mod cron;
mod day;
mod field;
mod rate;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use cron::CronExpression;
pub use rate::Rate;

use crate::{Error, ErrorKind, Result};

/// What a rule's `ScheduleExpression` says.
///
/// ```
/// use everreach_core::Timestamp;
/// use everreach_core::schedule::eventbridge::ScheduleExpression;
/// let expression: ScheduleExpression = "cron(0 11,15 ? * MON-FRI *)".parse()?;
/// let ScheduleExpression::Cron(cron) = &expression else { panic!("it is no rate") };
/// let friday: Timestamp = "2026-11-20T15:00:00Z".parse().expect("a time");
/// assert_eq!(cron.after(friday), Some("2026-11-23T11:00:00Z".parse().expect("a time")));
/// assert!("cron(0 6 * * * *)".parse::<ScheduleExpression>().is_err(), "one day field is `?`");
/// assert!("rate(1 minutes)".parse::<ScheduleExpression>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there are two forms")]
pub enum ScheduleExpression {
    /// Moments of the calendar, in UTC.
    Cron(CronExpression),
    /// A distance from firing to firing.
    Rate(Rate),
}

impl FromStr for ScheduleExpression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let inside = |form: &str| text.strip_prefix(form)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(fields) = inside("cron") {
            return fields.parse().map(Self::Cron);
        }
        if let Some(words) = inside("rate") {
            return words.parse().map(Self::Rate);
        }
        Err(wrong("a schedule expression is cron(…) or rate(…)", text))
    }
}

impl fmt::Display for ScheduleExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => write!(f, "cron({cron})"),
            Self::Rate(rate) => write!(f, "rate({rate})"),
        }
    }
}

fn wrong(sentence: &'static str, seen: &str) -> Error {
    let seen: String = seen.chars().take(80).collect();
    Error::new(ErrorKind::InvalidInput, sentence).with_operation("read a schedule expression").with("seen", seen)
}
