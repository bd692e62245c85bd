//! What the swarm is told from outside.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// How long contacts are leased.
///
/// ```
/// use everreach_core::swarm::SwarmConfig;
/// assert_eq!(SwarmConfig::default().lease.as_secs(), 60);
/// assert!(SwarmConfig::default().validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SwarmConfig {
    /// How long a lease lasts when nobody renews it; renew at a third of it.
    pub lease: Duration,
}

impl SwarmConfig {
    /// The longest lease: after a crash nobody works on the contact for as long.
    pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3_600);

    /// Whether the figures make sense.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a lease of no time or of more than a day.
    pub fn validate(&self) -> Result<()> {
        if self.lease.is_zero() || self.lease > Self::LONGEST_LEASE {
            return Err(Error::new(ErrorKind::Config, "a contact's lease lasts more than no time and at most a day")
                .with("seen", format!("{:?}", self.lease)));
        }
        Ok(())
    }
}

impl Default for SwarmConfig {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60) }
    }
}
