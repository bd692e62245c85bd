//! What can be set about looking at health.

use std::time::Duration;

use crate::supervisor::agent::Reach;

/// What can be set about looking at health.
///
/// ```
/// use everreach_core::supervisor::HealthConfig;
/// let config = HealthConfig::default();
/// assert_eq!((config.rise, config.fall, config.hung_after), (2, 3, 6));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HealthConfig {
    /// Time between two looks at an agent.
    pub interval: Duration,
    /// The same while it starts, and while a start is not proven.
    pub start_interval: Duration,
    /// By which share an interval may be shorter or longer, so that agents are not all asked at once.
    pub jitter: f64,
    /// How long connecting, head and body of an answer may take together.
    pub timeout: Duration,
    /// How much of an answer is read.
    pub most_bytes: usize,
    /// Good looks in a row until it is ready again.
    pub rise: u32,
    /// Bad looks in a row until it is not ready any more.
    pub fall: u32,
    /// Bad looks in a row from which on it may be hung.
    pub hung_after: u32,
    /// Time between two heartbeats of an agent that sends them.
    pub heartbeat: Duration,
    /// So many heartbeats missed in a row are a silence.
    pub missed_heartbeats: u32,
    /// If this process itself is later than this, what it saw meanwhile says nothing about agents.
    pub own_lag: Duration,
    /// Which addresses are asked beside loopback.
    pub reach: Reach,
    /// How many agents are looked at at once.
    pub at_once: usize,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            start_interval: Duration::from_secs(1),
            jitter: 0.1,
            timeout: Duration::from_secs(2),
            most_bytes: 64 * 1024,
            rise: 2,
            fall: 3,
            hung_after: 6,
            heartbeat: Duration::from_secs(10),
            missed_heartbeats: 3,
            own_lag: Duration::from_secs(1),
            reach: Reach::Loopback,
            at_once: 64,
        }
    }
}

impl HealthConfig {
    /// How long an agent that sends heartbeats may be silent.
    #[must_use]
    pub const fn silence(&self) -> Duration {
        self.heartbeat.saturating_mul(self.missed_heartbeats)
    }
}
