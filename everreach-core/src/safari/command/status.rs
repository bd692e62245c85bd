//! Where a command stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// The five words that the table's check allows. What they cannot say stands in other columns: claimed is `running` with a
/// worker, waiting for a repeat is `pending` with a time, an unknown outcome is `failed` with that outcome in its result.
///
/// ```
/// use everreach_core::safari::CommandStatus;
/// assert!(!CommandStatus::Running.is_terminal() && CommandStatus::Failed.is_terminal());
/// assert!("processing".parse::<CommandStatus>().is_err());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CommandStatus {
    /// Waits for its turn.
    #[default]
    Pending,
    /// A worker has it.
    Running,
    /// Done.
    Completed,
    /// Not done, or nobody knows.
    Failed,
    /// Taken back before it ran.
    Cancelled,
}

impl CommandStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The word for it in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CommandStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a command is pending, running, completed, failed or cancelled")
                .with("seen", text.escape_debug())
        })
    }
}
