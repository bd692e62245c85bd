//! How long to wait before a failed agent is started again.

use std::time::Duration;

/// How long to wait before a failed agent is started again.
///
/// ```
/// use everreach_core::supervisor::BackoffConfig;
/// use std::time::Duration;
/// let backoff = BackoffConfig::default();
/// assert_eq!(backoff.delay(1, 1.0), Duration::from_secs(1));
/// assert_eq!(backoff.delay(4, 0.0), Duration::from_secs(4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackoffConfig {
    /// The wait after the first failure; each further one doubles it.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(60) }
    }
}

impl BackoffConfig {
    /// The wait after this many failures in a row, between half and all of it: agents that failed together come back apart. `random` is a
    /// number from 0 to 1.
    #[must_use]
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let doubled = self.base.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX)).min(self.cap);
        doubled.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    proptest! {
        #[test]
        fn no_wait_is_shorter_than_half_the_first_or_longer_than_the_cap(failures in 0_u32..100, random in 0.0..=1.0) {
            let backoff = BackoffConfig::default();
            let wait = backoff.delay(failures, random);
            prop_assert!(wait >= backoff.base / 2 && wait <= backoff.cap);
            prop_assert!(backoff.delay(failures + 1, random) >= wait);
        }
    }
}
