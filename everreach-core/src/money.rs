//! Money: whole millionths of a US dollar, never floating point.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

const MICROS_PER_USD: i64 = 1_000_000;

/// An amount of US dollars in millionths.
///
/// Read from decimal text exactly and, where the text has more than six places, rounded *up*: a price is never
/// understated. In JSON it is a decimal number of dollars with up to six places.
///
/// ```
/// use everreach_core::MicroUsd;
/// let price: MicroUsd = "0.002".parse().expect("a price");
/// assert_eq!(price.micros(), 2_000);
/// assert_eq!("0.0000001".parse::<MicroUsd>().expect("a price").micros(), 1);
/// assert_eq!(serde_json::to_string(&price).expect("json"), "0.002");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroUsd(i64);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// More than anybody has.
    pub const MAX: Self = Self(i64::MAX);

    /// This many millionths of a dollar.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// This many whole dollars; beyond what fits, the largest amount.
    #[must_use]
    pub const fn from_usd(usd: i64) -> Self {
        Self(usd.saturating_mul(MICROS_PER_USD))
    }

    /// The amount in millionths.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// An exact decimal of dollars, rounded up to the next millionth.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the amount does not fit (beyond about nine trillion dollars).
    pub fn from_decimal(usd: Decimal) -> Result<Self> {
        usd.checked_mul(Decimal::from(MICROS_PER_USD))
            .and_then(|micros| micros.ceil().to_i64())
            .map(Self)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the amount is too large").with("seen", usd))
    }

    /// The amount as an exact decimal of dollars.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 6).normalize()
    }

    /// The sum; beyond what fits, the largest amount.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; beyond what fits, the smallest amount.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether this is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

impl FromStr for MicroUsd {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let decimal = Decimal::from_str_exact(text.trim()).or_else(|_| Decimal::from_scientific(text.trim()));
        let decimal = decimal.map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "an amount of dollars is a decimal such as 0.002 or 400")
                .with("seen", text)
                .with_source(source)
        })?;
        Self::from_decimal(decimal)
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}

impl Serialize for MicroUsd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // The shortest text of the nearest double is the decimal itself up to fifteen digits, a billion dollars.
        #[allow(clippy::cast_precision_loss, reason = "exact in print up to a billion dollars")]
        serializer.serialize_f64(self.0 as f64 / MICROS_PER_USD as f64)
    }
}

impl<'de> Deserialize<'de> for MicroUsd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "an amount of dollars: a decimal number or its text")]
        enum Amount<'a> {
            Number(serde_json::Number),
            #[serde(borrow)]
            Text(std::borrow::Cow<'a, str>),
        }
        match Amount::deserialize(deserializer)? {
            Amount::Number(number) => number.to_string().parse(),
            Amount::Text(text) => text.parse(),
        }
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> MicroUsd {
        text.parse().expect("an amount")
    }

    #[test]
    fn amounts_beyond_six_places_round_up() {
        assert_eq!(usd("0.0000001"), MicroUsd::from_micros(1));
        assert_eq!(usd("1.0000000"), MicroUsd::from_usd(1));
        assert_eq!(usd("1e-7"), MicroUsd::from_micros(1));
    }

    #[test]
    fn json_carries_dollars_as_a_decimal_number_and_reads_both_forms() {
        for text in ["0.0", "0.000125", "399.9975", "123456789.123456"] {
            let json = serde_json::to_string(&usd(text)).expect("json");
            assert_eq!(json, text);
            assert_eq!(serde_json::from_str::<MicroUsd>(&json).expect("read back"), usd(text));
        }
        assert_eq!(serde_json::from_str::<MicroUsd>("\"0.005\"").expect("text form"), usd("0.005"));
        assert!(serde_json::from_str::<MicroUsd>("\"a lot\"").is_err());
    }

    #[test]
    fn amounts_that_do_not_fit_are_refused() {
        assert!("99999999999999999999".parse::<MicroUsd>().is_err());
        assert!("NaN".parse::<MicroUsd>().is_err());
    }
}
