//! What running an action does to the world, and what became of one run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// What running an action does. It decides retry, fallback, caching and the journal.
///
/// ```
/// use everreach_core::Effect;
/// assert!(Effect::Read.is_repeatable() && !Effect::Outward.is_repeatable());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Effect {
    /// Only looks.
    Read,
    /// Spends model or processor time, nothing else.
    Compute,
    /// Writes to our own database or files.
    Write,
    /// Reaches the outside world: a message, a post, a charge. Never attempted twice.
    Outward,
    /// Starts, stops or changes a process.
    Process,
}

impl Effect {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Compute => "compute",
            Self::Write => "write",
            Self::Outward => "outward",
            Self::Process => "process",
        }
    }

    /// Whether a second run does no harm, so that a try whose outcome is unknown may be repeated.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        matches!(self, Self::Read | Self::Compute)
    }

    /// Whether it reaches the outside world.
    #[must_use]
    pub const fn is_outward(self) -> bool {
        matches!(self, Self::Outward)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a call, as far as anybody can know.
///
/// ```
/// use everreach_core::Outcome;
/// assert_eq!("not_executed".parse::<Outcome>().expect("a word"), Outcome::NotExecuted);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It ran, well or badly.
    Executed,
    /// It provably did not run.
    NotExecuted,
    /// It may have run.
    Unknown,
    /// It was handed to a durable queue and will run later.
    Queued,
}

impl Outcome {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Queued => "queued",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Executed, Self::NotExecuted, Self::Unknown, Self::Queued]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "an outcome is executed, not_executed, unknown or queued").with("seen", text))
    }
}
