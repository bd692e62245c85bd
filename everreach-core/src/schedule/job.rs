//! A job: what is done, when, where, and what becomes of a time that was missed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timing;
use crate::routing::Params;
use crate::{ActionName, Error, ErrorKind, Result};

const LONGEST_NAME: usize = 64;

/// The name of a job: lower snake case, 64 bytes at most.
///
/// ```
/// use everreach_core::schedule::JobName;
/// assert!("daily_routine".parse::<JobName>().is_ok());
/// assert!("Daily Routine".parse::<JobName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct JobName(Arc<str>);

impl JobName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        if begins && text.len() <= LONGEST_NAME && text.bytes().all(is_word) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(ErrorKind::InvalidInput, "a job's name is one lower_snake_case word of at most 64 characters")
            .with("seen", text.chars().take(LONGEST_NAME).collect::<String>()))
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One step of a job's chain.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChainStep {
    /// The action.
    pub action: ActionName,
    /// With what.
    pub params: Params,
    /// How long it may take; as long as any call when it does not say.
    pub timeout: Option<Duration>,
    /// Whether the run is good without it.
    pub optional: bool,
}

impl ChainStep {
    /// A step without parameters.
    #[must_use]
    pub fn new(action: ActionName) -> Self {
        Self { action, params: Params::new(), timeout: None, optional: false }
    }
}

/// What becomes of slots whose time passed while nobody fired them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum MissedRuns {
    /// They are logged as missed.
    Skip,
    /// The latest is fired if it is not older than this, the others are logged.
    Once {
        /// The oldest that is fired.
        within: Duration,
    },
    /// The latest `max` that are not older than this are fired, oldest first; the others are logged.
    All {
        /// How many.
        max: u16,
        /// The oldest that is fired.
        within: Duration,
    },
}

impl Default for MissedRuns {
    fn default() -> Self {
        Self::Once { within: Duration::from_secs(6 * 3_600) }
    }
}

impl MissedRuns {
    /// Its word in files and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once { .. } => "once",
            Self::All { .. } => "all",
        }
    }
}

/// Whether a slot may begin while an earlier one still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "it may or it may not")]
pub enum Overlap {
    /// It is logged as missed.
    #[default]
    Forbid,
    /// Both run.
    Allow,
}

/// Which side fires a job by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "there are two sides")]
pub enum FiresOn {
    /// The cloud; this machine mirrors it.
    Cloud,
    /// This machine only.
    Local,
    /// Whichever of the two leads.
    Either,
}

/// An entry of the schedule.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// What it is for.
    pub description: String,
    /// When.
    pub timing: Timing,
    /// What is done, in this order. A step that fails does not keep the next from running.
    pub chain: Vec<ChainStep>,
    /// How long the whole chain may take: afterwards no step begins.
    pub timeout: Duration,
    /// What becomes of missed slots.
    pub missed: MissedRuns,
    /// Whether runs may overlap.
    pub overlap: Overlap,
    /// Which side fires it.
    pub fires_on: FiresOn,
    /// How long the mirror waits for the cloud's row.
    pub mirror_after: Duration,
    /// Whether it fires by itself.
    pub enabled: bool,
    /// Why it is not enabled.
    pub disabled_because: Option<String>,
}

impl Job {
    /// A job of one action with the defaults of a file.
    ///
    /// ```
    /// use everreach_core::schedule::{Job, Timing};
    /// let timing = Timing::parse("0 6 * * *", chrono_tz::UTC)?;
    /// let job = Job::new("heartbeat".parse()?, timing, "system.heartbeat".parse()?);
    /// assert_eq!(job.missed.as_str(), "once");
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub fn new(name: JobName, timing: Timing, action: ActionName) -> Self {
        Self {
            name,
            description: String::new(),
            timing,
            chain: vec![ChainStep::new(action)],
            timeout: Duration::from_secs(900),
            missed: MissedRuns::default(),
            overlap: Overlap::Forbid,
            fires_on: FiresOn::Either,
            mirror_after: Duration::from_secs(300),
            enabled: true,
            disabled_because: None,
        }
    }
}
