//! What can be set.

use std::sync::Arc;
use std::time::Duration;

use super::DenyListFile;
use crate::safari::SafariConfig;
use crate::safari::decision::{Conditions, RetrySchedule};

/// What a worker is told from outside. How long its claims hold is a setting of its queue.
///
/// ```
/// use everreach_core::safari::{SafariConfig, worker::WorkerConfig};
/// let config = WorkerConfig::new("mac-1", &SafariConfig::default());
/// assert_eq!((config.worker_id.as_str(), config.parallel, config.look_every.as_secs()), ("mac-1", 8, 30));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// Its name, unlike that of any other worker on the table.
    pub worker_id: String,
    /// How many commands that need no browser run at a time, beside the one that drives Safari.
    pub parallel: u32,
    /// How many of them are claimed at a time at most, while they end quickly. Slow ones are not claimed ahead.
    pub batch: u32,
    /// How long the daemon carries commands out before it moves campaigns on again, when there is always something to do.
    pub round: Duration,
    /// When what was refused is tried again.
    pub schedule: RetrySchedule,
    /// How old a look at a service may be; the two that leak are looked at once a minute at most.
    pub look_every: Duration,
    /// Our limits, hours and spacing.
    pub conditions: Conditions,
    /// People who are never written to, beside those in the database and in the conditions.
    pub deny_list: Option<Arc<DenyListFile>>,
}

impl WorkerConfig {
    /// The usual worker under these settings.
    #[must_use]
    pub fn new(worker_id: impl Into<String>, config: &SafariConfig) -> Self {
        Self {
            worker_id: worker_id.into(),
            parallel: 8,
            batch: 500,
            round: Duration::from_secs(60),
            schedule: RetrySchedule::default(),
            look_every: Duration::from_secs(30),
            conditions: config.conditions(),
            deny_list: None,
        }
    }

    /// Keeps to a file of people who are never written to.
    #[must_use]
    pub fn with_deny_list(mut self, file: Arc<DenyListFile>) -> Self {
        self.deny_list = Some(file);
        self
    }
}
