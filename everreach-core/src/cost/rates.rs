//! The arithmetic of prices: exact decimals, rounded up once.

use std::num::NonZeroU64;

use rust_decimal::Decimal;

use crate::{Error, ErrorKind, MicroUsd, Result};

const MICROS_PER_USD: i128 = 1_000_000;

/// A price: per call, or per so many units (tokens, seconds, rows).
///
/// ```
/// use everreach_core::cost::Rate;
/// use std::num::NonZeroU64;
/// let million = NonZeroU64::new(1_000_000).expect("not zero");
/// let tokens = Rate::per_units("3.00", million)?;
/// assert_eq!(tokens.cost(1)?.micros(), 3);
/// assert_eq!(Rate::per_call("0.002")?.cost(10)?.micros(), 20_000);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    usd: Decimal,
    units: NonZeroU64,
}

impl Rate {
    /// So many dollars for each call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when `usd` is not a decimal of zero or more.
    pub fn per_call(usd: &str) -> Result<Self> {
        Self::per_units(usd, NonZeroU64::MIN)
    }

    /// So many dollars for this many units, as vendors quote tokens.
    ///
    /// # Errors
    /// As [`Rate::per_call`].
    pub fn per_units(usd: &str, units: NonZeroU64) -> Result<Self> {
        let text = usd.trim();
        let usd = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "a rate is a decimal of dollars such as 0.002")
                .with("seen", text)
                .with_source(source)
        })?;
        if usd.is_sign_negative() && !usd.is_zero() {
            return Err(Error::new(ErrorKind::InvalidInput, "a rate is zero or more dollars").with("seen", usd));
        }
        Ok(Self { usd, units })
    }

    /// What this many calls or units cost, rounded up to the next millionth of a dollar.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the amount does not fit.
    pub fn cost(&self, quantity: u64) -> Result<MicroUsd> {
        self.exact_micros(quantity).and_then(|micros| i64::try_from(micros).ok()).map(MicroUsd::from_micros).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the amount is too large").with("rate", self.usd).with("quantity", quantity)
        })
    }

    /// One division of whole numbers at the very end, so that nothing is rounded twice.
    fn exact_micros(&self, quantity: u64) -> Option<i128> {
        let dividend = self.usd.mantissa().checked_mul(MICROS_PER_USD)?.checked_mul(i128::from(quantity))?;
        let divisor = 10_i128.checked_pow(self.usd.scale())?.checked_mul(i128::from(self.units.get()))?;
        Some(dividend / divisor + i128::from(dividend % divisor != 0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn million() -> NonZeroU64 {
        NonZeroU64::new(1_000_000).expect("not zero")
    }

    #[test]
    fn fractions_round_up_once_for_the_whole_quantity() {
        let rate = Rate::per_units("0.80", million()).expect("a rate");
        assert_eq!(rate.cost(1).expect("fits").micros(), 1);
        assert_eq!(rate.cost(10).expect("fits").micros(), 8);
        assert_eq!(Rate::per_call("0.0000001").expect("a rate").cost(11).expect("fits").micros(), 2);
        assert_eq!(Rate::per_call("0").expect("a rate").cost(u64::MAX).expect("fits"), MicroUsd::ZERO);
    }

    #[test]
    fn negative_and_unreadable_rates_are_refused() {
        for text in ["-0.01", "NaN", "inf", "", "0,002", "1e400", "free", "0x10"] {
            assert_eq!(Rate::per_call(text).expect_err(text).kind(), ErrorKind::InvalidInput, "{text}");
        }
    }

    #[test]
    fn amounts_that_do_not_fit_are_refused() {
        for (usd, quantity) in [("9999999999999", u64::MAX), ("79228162514264337593543950335", 2), ("1000000", 10_000_000_000)] {
            assert!(Rate::per_call(usd).expect("a rate").cost(quantity).is_err(), "{usd} by {quantity}");
        }
    }

    proptest! {
        #[test]
        fn a_cost_is_never_understated_and_never_a_millionth_too_much(micros in 0_i64..10_000_000, quantity in 0_u64..10_000_000) {
            let rate = Rate::per_units(&Decimal::new(micros, 6).to_string(), million()).expect("a rate");
            let cost = i128::from(rate.cost(quantity).expect("fits").micros());
            let exact_times_million = i128::from(micros) * i128::from(quantity);
            prop_assert!(cost * 1_000_000 >= exact_times_million && (cost - 1) * 1_000_000 < exact_times_million);
        }
    }
}
