//! What the schedule is told from outside.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

/// The schedule's own settings.
///
/// ```
/// use everreach_core::schedule::ScheduleConfig;
/// assert_eq!(ScheduleConfig::default().lease.as_secs(), 120);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleConfig {
    /// A file laid over the built-in jobs.
    pub file: Option<PathBuf>,
    /// What `local` means as a job's zone.
    pub local_zone: Tz,
    /// How long a run's runner is taken to be alive after it last said so.
    pub lease: Duration,
    /// Time between two looks when nothing is due: how late a step of the clock, or the end of a sleep, is noticed at most.
    pub look_every: Duration,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { file: None, local_zone: Tz::UTC, lease: Duration::from_secs(120), look_every: Duration::from_secs(20) }
    }
}
