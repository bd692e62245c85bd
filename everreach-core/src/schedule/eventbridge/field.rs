//! A field of numbers: lists, ranges, steps and names.

use std::collections::BTreeSet;

use super::wrong;
use crate::Result;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain {
    /// What the field is called in errors.
    pub(super) name: &'static str,
    pub(super) first: u16,
    pub(super) last: u16,
    /// Words for the values from `first` on.
    pub(super) names: &'static [&'static str],
}

pub(super) const MINUTE: Domain = Domain { name: "minute", first: 0, last: 59, names: &[] };
pub(super) const HOUR: Domain = Domain { name: "hour", first: 0, last: 23, names: &[] };
pub(super) const DAY_OF_MONTH: Domain = Domain { name: "day of month", first: 1, last: 31, names: &[] };
pub(super) const MONTH: Domain = Domain {
    name: "month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
pub(super) const DAY_OF_WEEK: Domain =
    Domain { name: "day of week", first: 1, last: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
pub(super) const YEAR: Domain = Domain { name: "year", first: 1970, last: 2199, names: &[] };

impl Domain {
    /// One value, as a number or by its name.
    pub(super) fn value(&self, text: &str) -> Result<u16> {
        let named = self.names.iter().zip(self.first..).find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| value);
        let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = named.or_else(|| text.parse().ok().filter(|_| plain));
        value
            .filter(|value| (self.first..=self.last).contains(value))
            .ok_or_else(|| wrong("a value does not fit its field", text).with("field", self.name).with("allowed", self.span()))
    }

    fn span(&self) -> String {
        let (first, last) = (self.first, self.last);
        match (self.names.first(), self.names.last()) {
            (Some(from), Some(to)) => format!("{first} to {last}, {from} to {to}"),
            _ => format!("{first} to {last}"),
        }
    }

    /// The values of a list such as `1,5-9,20/2`.
    pub(super) fn values(&self, text: &str) -> Result<BTreeSet<u16>> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            values.extend(self.part(part)?);
        }
        Ok(values)
    }

    fn part(&self, part: &str) -> Result<Vec<u16>> {
        let error = |sentence| wrong(sentence, part).with("field", self.name);
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        if range == "?" {
            return Err(error("only the two day fields may be `?`, and nothing beside it"));
        }
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            // A value with a step goes on to the field's end.
            None if step.is_some() => (self.value(range)?, self.last),
            None => (self.value(range)?, self.value(range)?),
        };
        if from > to {
            return Err(error("a range goes upwards; write the two parts of one that wraps as a list"));
        }
        let step = match step {
            None => 1,
            Some(text) => {
                let is_plain = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
                let step: usize = text.parse().ok().filter(|_| is_plain).unwrap_or(0);
                if step == 0 || step > usize::from(self.last) {
                    return Err(error("a step is a number from 1 to the field's last value"));
                }
                step
            }
        };
        Ok((from..=to).step_by(step).collect())
    }
}
