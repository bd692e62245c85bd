//! What can be set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How two sides agree which of them fires jobs and works through the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TwoNodeMode {
    /// By a lease in the database that both use. The only one in which a takeover needs nobody and is never wrong.
    Shared,
    /// Nothing is shared: when the cloud fails, a person is told, and takes over by hand once they know that it is down.
    Manual,
    /// Nothing is shared: the local side grants the cloud the right to act, ten seconds at a time. Never two at once, but without
    /// the local side the cloud stands still.
    LocalGrants,
    /// Nothing is shared, and both may act at once. Outward commands stay with the side that has them.
    Available,
}

impl TwoNodeMode {
    /// The word in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Manual => "manual",
            Self::LocalGrants => "local_grants",
            Self::Available => "available",
        }
    }
}

/// How the cloud is watched, and when its work is taken over and handed back.
///
/// The default takes the requirement's two detectors as one: a look every 30 s, offline after three failures, failed when they span
/// three looks a minute apart. [`FailoverConfig::fast`] is for those who cannot wait two minutes.
///
/// ```
/// use everreach_core::failover::FailoverConfig;
/// assert_eq!(FailoverConfig::default().interval.as_secs(), 30);
/// assert_eq!(FailoverConfig::fast().interval.as_secs(), 10);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailoverConfig {
    /// Time between two looks while all is well.
    pub interval: Duration,
    /// Time between two looks after a failed one.
    pub retry_every: Duration,
    /// How long one look may take, the last byte included.
    pub timeout: Duration,
    /// Failed looks in a row before calls are kept away.
    pub failures: u32,
    /// Good looks in a row before it counts as reachable again.
    pub successes: u32,
    /// How long the failures must span before it counts as failed.
    pub failed_after: Duration,
    /// How long it must answer well without a break before its work is handed back.
    pub return_after: Duration,
    /// How long what runs may take to end before the work is handed back.
    pub drain: Duration,
    /// Between two hand-overs at least this much time passes, so that a link that comes and goes does not move the work each time.
    pub handover_every: Duration,
    /// How the two sides agree; none finds out whether the database is shared.
    pub mode: Option<TwoNodeMode>,
}

impl FailoverConfig {
    /// Looks every 10 s, and every 2 s after a failure: failed after half a minute at most.
    #[must_use]
    pub const fn fast() -> Self {
        Self {
            interval: Duration::from_secs(10),
            retry_every: Duration::from_secs(2),
            timeout: Duration::from_secs(3),
            failures: 3,
            successes: 3,
            failed_after: Duration::ZERO,
            return_after: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            handover_every: Duration::from_secs(600),
            mode: None,
        }
    }
}

impl Default for FailoverConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            retry_every: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            failed_after: Duration::from_secs(120),
            ..Self::fast()
        }
    }
}
