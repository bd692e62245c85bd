//! What the cost guard is told from outside.

use std::time::Duration;

use chrono_tz::Tz;

use crate::{Error, ErrorKind, MicroUsd, Result};

/// How long a reservation may stay open before it counts as left by a crash; longer than any call's deadline.
pub const RESERVATION_LEASE: Duration = Duration::from_secs(600);

/// The most that one call may cost: what the shared table's column holds. More is a slip of units, and refused as such.
pub const MOST_PER_CALL: MicroUsd = MicroUsd::from_micros(9_999_999_999);

/// The caps and the zone whose months count.
///
/// ```
/// use everreach_core::cost::CostConfig;
/// use everreach_core::MicroUsd;
/// let config = CostConfig::default();
/// assert_eq!((config.cap, config.soft_cap), (MicroUsd::from_usd(400), MicroUsd::from_usd(380)));
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostConfig {
    /// Capped calls never pass this.
    pub cap: MicroUsd,
    /// From here on hybrid sends everything local.
    pub soft_cap: MicroUsd,
    /// The zone in which months begin.
    pub zone: Tz,
    /// What a cloud call without a price is taken to cost; without this it is refused.
    pub default_rate: Option<MicroUsd>,
}

impl CostConfig {
    /// Whether the caps make sense.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a cap is negative or the soft cap is above the cap.
    pub fn validate(&self) -> Result<()> {
        if self.cap.is_negative() || self.soft_cap.is_negative() {
            return Err(Error::new(ErrorKind::Config, "MONTHLY_COST_CAP and MONTHLY_COST_SOFT_CAP are zero or more dollars"));
        }
        if self.soft_cap > self.cap {
            return Err(Error::new(ErrorKind::Config, "MONTHLY_COST_SOFT_CAP must not be above MONTHLY_COST_CAP")
                .with("soft cap", self.soft_cap)
                .with("cap", self.cap));
        }
        Ok(())
    }
}

impl Default for CostConfig {
    fn default() -> Self {
        Self { cap: MicroUsd::from_usd(400), soft_cap: MicroUsd::from_usd(380), zone: Tz::UTC, default_rate: None }
    }
}
