//! What can be set.

use std::time::Duration;

use secrecy::SecretString;

use super::SealingKeys;
use crate::{Error, ErrorKind, Result};

/// When a process exchanges state with the cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it does so by itself or it does not")]
pub enum Exchange {
    /// At its start, when the cloud is back, and every so often.
    #[default]
    ByItself,
    /// When it is asked to: commands, which end at once.
    OnRequest,
}

/// The settings of state sync.
///
/// ```
/// use everreach_core::sync::state::StateConfig;
/// let mut config = StateConfig::default();
/// config.validate()?;
/// config.encryption_key = Some("too short".into());
/// assert!(config.validate().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StateConfig {
    /// The key or keys that payloads are sealed with on the way, as [`SealingKeys::parse`] reads them. Without it nothing is sent, taken or
    /// given.
    pub encryption_key: Option<SecretString>,
    /// When this process exchanges state.
    pub exchange: Exchange,
    /// Time between two rounds of pushing and pulling while the cloud is reachable: 30 s.
    pub interval: Duration,
    /// How many documents may wait to be pushed: 10,000.
    pub max_pending: u32,
    /// How long one request may take: 30 s.
    pub timeout: Duration,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            encryption_key: None,
            exchange: Exchange::ByItself,
            interval: Duration::from_secs(30),
            max_pending: 10_000,
            timeout: Duration::from_secs(30),
        }
    }
}

impl StateConfig {
    /// Whether the key can be used and the times make sense.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], without any of the key.
    pub fn validate(&self) -> Result<()> {
        if self.interval.is_zero() || self.timeout.is_zero() || self.max_pending == 0 {
            return Err(Error::new(
                ErrorKind::Config,
                "the interval, the timeout and the bound of state sync are greater than 0",
            ));
        }
        self.keys().map(drop)
    }

    pub(super) fn keys(&self) -> Result<Option<SealingKeys>> {
        self.encryption_key.as_ref().map(SealingKeys::parse).transpose()
    }
}
