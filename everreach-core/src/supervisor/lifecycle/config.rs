//! What can be set about the life of agents.

use std::time::Duration;

use super::BackoffConfig;
use crate::supervisor::circuit::AgentCircuitConfig;

/// What can be set about the life of agents.
///
/// ```
/// use everreach_core::supervisor::LifecycleConfig;
/// assert_eq!(LifecycleConfig::default().verify_for.as_secs(), 10);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LifecycleConfig {
    /// The waits before it is started again.
    pub backoff: BackoffConfig,
    /// Its circuit.
    pub circuit: AgentCircuitConfig,
    /// How long an agent without a health URL has to live after a start until the start counts as good; with one, how long its probes have.
    pub verify_for: Duration,
    /// Good probes in a row by which a start is proven good.
    pub verify_probes: u32,
    /// How long an agent without a health URL has to live on trial.
    pub trial_for: Duration,
}

impl Default for LifecycleConfig {
    fn default() -> Self {
        Self {
            backoff: BackoffConfig::default(),
            circuit: AgentCircuitConfig::default(),
            verify_for: Duration::from_secs(10),
            verify_probes: 3,
            trial_for: Duration::from_secs(30),
        }
    }
}
