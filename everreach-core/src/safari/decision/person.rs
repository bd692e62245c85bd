//! What a person says about a command that is held.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Settlement;
use crate::{Error, ErrorKind, Result, Timestamp};

/// What a person says about a command whose outcome is unknown.
///
/// ```
/// use everreach_core::safari::decision::Resolution;
/// assert_eq!("happened".parse::<Resolution>()?, Resolution::Happened);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Resolution {
    /// It was sent.
    Happened,
    /// It was not sent; try again.
    Retry,
    /// It was not sent; leave it.
    Drop,
}

impl Resolution {
    /// Every resolution.
    pub const ALL: [Self; 3] = [Self::Happened, Self::Retry, Self::Drop];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::Retry => "retry",
            Self::Drop => "drop",
        }
    }

    /// Whether what was taken from the limits comes back: the person says that nothing was sent.
    ///
    /// ```
    /// use everreach_core::safari::decision::Resolution;
    /// assert!(Resolution::Drop.gives_back() && !Resolution::Happened.gives_back());
    /// ```
    #[must_use]
    pub const fn gives_back(self) -> bool {
        !matches!(self, Self::Happened)
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resolution {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "what became of a command is happened, retry or drop")
                .with("seen", text.escape_debug())
        })
    }
}

/// What becomes of a held command after a person's word. A retry starts over: at once and with no repeat used.
///
/// ```
/// use everreach_core::safari::decision::{Resolution, Settlement, resolve};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// assert_eq!(resolve(Resolution::Happened, now), Settlement::Completed);
/// assert_eq!(resolve(Resolution::Retry, now), Settlement::Again { at: now, retry_count: 0 });
/// assert_eq!(resolve(Resolution::Drop, now), Settlement::Failed);
/// ```
#[must_use]
pub const fn resolve(resolution: Resolution, now: Timestamp) -> Settlement {
    match resolution {
        Resolution::Happened => Settlement::Completed,
        Resolution::Retry => Settlement::Again { at: now, retry_count: 0 },
        Resolution::Drop => Settlement::Failed,
    }
}
