//! `rate(…)`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use super::wrong;
use crate::{Error, Result};

const UNITS: [(&str, &str, u64); 3] = [("minute", "minutes", 60), ("hour", "hours", 3_600), ("day", "days", 86_400)];

/// A distance from firing to firing, counted from when the rule was made.
///
/// ```
/// use everreach_core::schedule::eventbridge::Rate;
/// let rate: Rate = "5 minutes".parse()?;
/// assert_eq!(rate.interval().as_secs(), 300);
/// assert!("5 minute".parse::<Rate>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    unit: usize,
}

impl Rate {
    /// The distance.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(u64::from(self.count.get()) * UNITS[self.unit].2)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many, _) = UNITS[self.unit];
        write!(f, "{} {}", self.count, if self.count.get() == 1 { one } else { many })
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let shape = || wrong("a rate is a number and a unit: rate(1 minute), rate(5 minutes), hours, days", text);
        let (number, word) = text.split_once(' ').ok_or_else(shape)?;
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let count: NonZeroU32 = Some(number).filter(|_| is_plain).and_then(|number| number.parse().ok()).ok_or_else(shape)?;
        let named = |unit: &(&str, &str, u64)| word == if count.get() == 1 { unit.0 } else { unit.1 };
        match UNITS.iter().position(named) {
            Some(unit) => Ok(Self { count, unit }),
            None if UNITS.iter().any(|unit| unit.0 == word || unit.1 == word) => {
                Err(wrong("the unit of a rate is singular for 1 and plural for more", text))
            }
            None => Err(shape()),
        }
    }
}
