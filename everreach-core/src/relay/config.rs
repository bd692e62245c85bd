//! What the relay is told from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ActionName;

/// The task type of rows that nobody but EverReach pulls.
pub(super) const OWN_TYPE: &str = "everreach_call";

/// The relay's settings. It works where [`FailoverConfig::shares_database`](crate::failover::FailoverConfig::shares_database) says so: a
/// queued call that nobody pulls helps nobody.
///
/// ```
/// use everreach_core::relay::RelayConfig;
/// let config = RelayConfig::default();
/// assert_eq!(config.type_of(&"safari.health".parse().expect("a name")), "everreach_call");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayConfig {
    /// The task type of actions that another program's worker carries out: `EVERREACH_TASK_TYPES`.
    pub task_types: BTreeMap<ActionName, String>,
    /// Further task types that the local machine pulls: `EVERREACH_PULL_TASK_TYPES`.
    pub pulled_types: Vec<String>,
    /// Time between two looks for rows: `EVERREACH_PULL_INTERVAL_SEC`.
    pub pull_interval: Duration,
    /// Time between two signs of life for a row that is being run.
    pub heartbeat: Duration,
    /// How many calls wait for the local machine at most; one more is refused.
    pub max_waiting: u32,
    /// How long a call waits for the local machine; then it is not run any more.
    pub longest_wait: Duration,
    /// How long a row of ours stays with a worker that gives no sign of life, in minutes.
    pub timeout_minutes: u32,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            task_types: BTreeMap::new(),
            pulled_types: Vec::new(),
            pull_interval: Duration::from_secs(2),
            heartbeat: Duration::from_secs(15),
            max_waiting: 1_000,
            longest_wait: Duration::from_secs(3 * 24 * 60 * 60),
            timeout_minutes: 5,
        }
    }
}

impl RelayConfig {
    /// The task type of an action.
    #[must_use]
    pub fn type_of(&self, action: &ActionName) -> &str {
        self.task_types.get(action).map_or(OWN_TYPE, String::as_str)
    }

    /// The task types that are pulled here.
    ///
    /// ```
    /// use everreach_core::relay::RelayConfig;
    /// assert_eq!(RelayConfig::default().types_pulled(), ["everreach_call"]);
    /// ```
    #[must_use]
    pub fn types_pulled(&self) -> Vec<String> {
        let mut types = vec![OWN_TYPE.to_owned()];
        types.extend(self.pulled_types.iter().filter(|name| *name != OWN_TYPE).cloned());
        types
    }
}
