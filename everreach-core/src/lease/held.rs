//! What a lease is, to its holder and to others.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::Timestamp;

/// How long a lease lasts, how often it is renewed, and when its holder stops by itself.
///
/// ```
/// use everreach_core::lease::LeaseTiming;
/// let timing = LeaseTiming::default();
/// assert!(timing.renew_every < timing.act_for && timing.act_for < timing.ttl);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three times that only mean something together")]
pub struct LeaseTiming {
    /// After the last renewal, others may take it once this has passed.
    pub ttl: Duration,
    /// Time between two renewals.
    pub renew_every: Duration,
    /// The holder stops acting when this has passed since it *sent* its last successful renewal. What is left until `ttl` covers the
    /// difference between the clocks and what was begun just before.
    pub act_for: Duration,
}

impl Default for LeaseTiming {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(30), renew_every: Duration::from_secs(10), act_for: Duration::from_secs(20) }
    }
}

/// A lease as its holder has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(super) resource: String,
    pub(super) holder: String,
    pub(super) epoch: i64,
    pub(super) act_until: Duration,
}

impl Lease {
    /// What it is about.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Who has it.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The fencing number: it grows with every change of the holder.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Until when its holder may act on it, in its own monotonic time.
    pub(crate) const fn act_until(&self) -> Duration {
        self.act_until
    }

    /// Whether its holder may act on it, at this time of its own [`Clock::monotonic`](crate::Clock::monotonic).
    #[must_use]
    pub fn is_good(&self, monotonic: Duration) -> bool {
        monotonic < self.act_until
    }
}

/// A lease as anybody can read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeaseState {
    /// Who has or had it; none after it was given back.
    pub holder: Option<String>,
    /// The fencing number.
    pub epoch: i64,
    /// Since when this holder has it.
    pub acquired_at: Timestamp,
    /// Until when, unless it is renewed.
    pub expires_at: Timestamp,
    /// Whether somebody has it now, by the database's clock.
    pub is_held: bool,
    /// What the last holder left for the next one when it gave it back.
    pub note: Option<Value>,
}
