//! What can be set.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lease::LeaseTiming;
use crate::{Error, ErrorKind, Mode, Result};

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
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::Shared, Self::Manual, Self::LocalGrants, Self::Available];

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

impl FromStr for TwoNodeMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::Config, "two sides agree by shared, manual, local_grants or available").with("seen", text)
        })
    }
}

/// Which place a process has in a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum Place {
    /// There is no other side.
    Alone,
    /// This machine, with a cloud terminal to watch.
    Local,
    /// The cloud terminal.
    Cloud,
}

impl Place {
    /// The place that follows from what a process is told: a cloud terminal is the cloud's side whatever else it knows, and whoever knows a
    /// cloud is the local side of it.
    #[must_use]
    pub const fn of(is_cloud_terminal: bool, has_cloud: bool) -> Self {
        match (is_cloud_terminal, has_cloud) {
            (true, _) => Self::Cloud,
            (false, true) => Self::Local,
            (false, false) => Self::Alone,
        }
    }
}

/// What a process does about the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum Duty {
    /// It only looks: commands and embedded runtimes beside a server.
    #[default]
    Observe,
    /// It may lead: the one server on each side.
    TakePart,
}

impl Duty {
    /// What is left of it where every call goes to the cloud: such a process has no jobs that it could take over.
    #[must_use]
    pub const fn within(self, mode: Mode) -> Self {
        match mode {
            Mode::Cloud => Self::Observe,
            Mode::Local | Mode::Hybrid => self,
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
    /// How the two sides agree; none finds out whether the database is shared. Where it is set to be, calls for the local side are
    /// handed over in it too.
    pub mode: Option<TwoNodeMode>,
    /// The lease's times; the same on both sides.
    pub lease: LeaseTiming,
    /// `host:port` of what answers while this machine's own network is up. With none, only that there is a way out at all is checked.
    pub self_check: Vec<String>,
    /// Whether this process may lead.
    pub duty: Duty,
}

impl FailoverConfig {
    /// Whether it is set that both sides use this database. What failover finds out by itself does not count here: only one side can.
    ///
    /// ```
    /// use everreach_core::failover::{FailoverConfig, TwoNodeMode};
    /// let mut config = FailoverConfig::default();
    /// assert!(!config.shares_database());
    /// config.mode = Some(TwoNodeMode::Shared);
    /// assert!(config.shares_database());
    /// ```
    #[must_use]
    pub const fn shares_database(&self) -> bool {
        matches!(self.mode, Some(TwoNodeMode::Shared))
    }

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
            lease: LeaseTiming {
                ttl: Duration::from_secs(30),
                renew_every: Duration::from_secs(10),
                act_for: Duration::from_secs(20),
            },
            self_check: Vec::new(),
            duty: Duty::Observe,
        }
    }

    /// Everything within seconds, to rehearse a takeover. A busy machine is taken for a dead one: never for work.
    #[must_use]
    pub fn drill() -> Self {
        Self {
            interval: Duration::from_millis(500),
            retry_every: Duration::from_millis(250),
            timeout: Duration::from_millis(1_000),
            return_after: Duration::from_secs(2),
            drain: Duration::from_secs(2),
            handover_every: Duration::from_secs(5),
            lease: LeaseTiming {
                ttl: Duration::from_secs(3),
                renew_every: Duration::from_millis(500),
                act_for: Duration::from_secs(2),
            },
            ..Self::fast()
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
