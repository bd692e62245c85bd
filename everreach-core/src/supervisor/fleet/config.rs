//! What can be set about the supervisor.

use std::path::PathBuf;
use std::time::Duration;

use crate::supervisor::health::HealthConfig;
use crate::supervisor::lifecycle::{HoldConfig, LifecycleConfig, ThrottleConfig};

/// What can be set about the supervisor.
///
/// ```
/// use everreach_core::supervisor::SupervisorConfig;
/// assert_eq!(SupervisorConfig::new("data/agents".into()).look_every.as_secs(), 2);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SupervisorConfig {
    /// Where its lock and its name are kept; the same folder as the launcher's.
    pub state_dir: PathBuf,
    /// When agents are started and stopped.
    pub lifecycle: LifecycleConfig,
    /// How many are started at a time.
    pub throttle: ThrottleConfig,
    /// When starts are held for a cause that agents share.
    pub hold: HoldConfig,
    /// How they are looked at.
    pub health: HealthConfig,
    /// How often the registry is read for what others changed.
    pub look_every: Duration,
    /// How often memory and logs are looked at.
    pub measure_every: Duration,
    /// How often the health of an agent is written down when nothing changes.
    pub history_every: Duration,
    /// Where agents send heartbeats; they are told in `EVERREACH_HEARTBEAT_URL`.
    pub heartbeat_url: Option<String>,
}

impl SupervisorConfig {
    /// The defaults, with the state kept here.
    #[must_use]
    pub fn new(state_dir: PathBuf) -> Self {
        Self {
            state_dir,
            lifecycle: LifecycleConfig::default(),
            throttle: ThrottleConfig::default(),
            hold: HoldConfig::default(),
            health: HealthConfig::default(),
            look_every: Duration::from_secs(2),
            measure_every: Duration::from_secs(5),
            history_every: Duration::from_secs(300),
            heartbeat_url: None,
        }
    }
}
