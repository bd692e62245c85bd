//! Where a campaign stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// Where a campaign stands.
///
/// ```
/// use everreach_core::safari::campaign::CampaignStatus;
/// let paused = CampaignStatus::Running.pause()?;
/// assert_eq!(paused.resume()?, CampaignStatus::Running);
/// assert!(CampaignStatus::Cancelled.resume().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CampaignStatus {
    /// It goes on as time passes.
    #[default]
    Running,
    /// Nothing is issued and nothing of it is sent until somebody resumes it.
    Paused,
    /// Taken back.
    Cancelled,
    /// Every target is finished.
    Completed,
}

impl CampaignStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Cancelled, Self::Completed];

    /// The word for it in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }

    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed)
    }

    /// Holds it; one that is held already stays so.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it is over.
    pub fn pause(self) -> Result<Self> {
        self.unless_over(Self::Paused)
    }

    /// Lets it go on; one that runs goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it is over.
    pub fn resume(self) -> Result<Self> {
        self.unless_over(Self::Running)
    }

    /// Takes it back; twice is once.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it is completed.
    ///
    /// ```
    /// use everreach_core::safari::campaign::CampaignStatus;
    /// assert_eq!(CampaignStatus::Paused.cancel()?, CampaignStatus::Cancelled);
    /// assert_eq!(CampaignStatus::Cancelled.cancel()?, CampaignStatus::Cancelled);
    /// assert!(CampaignStatus::Completed.cancel().is_err());
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn cancel(self) -> Result<Self> {
        if self == Self::Cancelled { Ok(self) } else { self.unless_over(Self::Cancelled) }
    }

    fn unless_over(self, next: Self) -> Result<Self> {
        if self.is_terminal() {
            return Err(Error::new(ErrorKind::Conflict, "the campaign is over; start another one").with("status", self));
        }
        Ok(next)
    }
}

impl fmt::Display for CampaignStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CampaignStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a campaign is running, paused, cancelled or completed")
                .with("seen", text.escape_debug())
        })
    }
}
