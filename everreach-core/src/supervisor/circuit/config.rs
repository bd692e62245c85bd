//! When an agent's circuit opens and for how long.

use std::time::Duration;

/// When an agent's circuit opens and for how long.
///
/// ```
/// use everreach_core::supervisor::AgentCircuitConfig;
/// let config = AgentCircuitConfig::default();
/// assert_eq!((config.threshold, config.open_for.as_secs()), (5, 300));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AgentCircuitConfig {
    /// How many failures in a row open it.
    pub threshold: u32,
    /// How long it rests before the first trial; each trial that fails doubles it.
    pub open_for: Duration,
    /// The longest rest.
    pub open_at_most: Duration,
    /// By which share a rest may be shorter or longer, so that agents that failed together are not tried together.
    pub jitter: f64,
    /// How long an agent has to be well until nothing is held against it any more.
    pub stable_for: Duration,
    /// More failures than this within [`AgentCircuitConfig::rate_window`] open it, in a row or not.
    pub rate: usize,
    /// See [`AgentCircuitConfig::rate`].
    pub rate_window: Duration,
    /// After so many rests without a good trial, only a person tries again.
    pub most_rests: u32,
}

impl Default for AgentCircuitConfig {
    fn default() -> Self {
        Self {
            threshold: 5,
            open_for: Duration::from_secs(300),
            open_at_most: Duration::from_secs(900),
            jitter: 0.2,
            stable_for: Duration::from_secs(300),
            rate: 8,
            rate_window: Duration::from_secs(3_600),
            most_rests: 6,
        }
    }
}

impl AgentCircuitConfig {
    /// How long the rest after `rests` others is. `random` is a number from 0 to 1.
    pub(super) fn rest(&self, rests: u32, random: f64) -> Duration {
        let doubled = self.open_for.saturating_mul(1_u32.checked_shl(rests).unwrap_or(u32::MAX)).min(self.open_at_most);
        let spread = self.jitter.clamp(0.0, 1.0);
        let factor = 1.0 + spread * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        Duration::try_from_secs_f64(doubled.as_secs_f64() * factor).unwrap_or(self.open_at_most)
    }
}
