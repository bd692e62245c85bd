//! What can be set.

use std::time::Duration;

use crate::safari::SafariConfig;

/// What the queue is told from outside.
///
/// ```
/// use everreach_core::safari::{SafariConfig, queue::QueueConfig};
/// assert_eq!(QueueConfig::from(&SafariConfig::default()), QueueConfig::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// How long a claim holds without being renewed: `SAFARI_LEASE_SEC`. A worker renews it after each third of that time.
    pub lease: Duration,
    /// How long a campaign waits for a person's word: `SAFARI_CAMPAIGN_APPROVAL_HOURS`.
    pub campaign_approval: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self::from(&SafariConfig::default())
    }
}

impl From<&SafariConfig> for QueueConfig {
    fn from(config: &SafariConfig) -> Self {
        Self { lease: config.lease, campaign_approval: config.campaign_approval }
    }
}
