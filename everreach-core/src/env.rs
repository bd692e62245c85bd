//! Where things run: in the cloud, on this machine, or decided call by call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// What this process is set to: `EVERREACH_ENV`.
///
/// ```
/// use everreach_core::Mode;
/// assert_eq!("hybrid".parse::<Mode>().expect("a mode"), Mode::Hybrid);
/// assert!("clod".parse::<Mode>().is_err());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// Everything goes to the cloud.
    Cloud,
    /// Everything runs on this machine.
    #[default]
    Local,
    /// The route table decides call by call.
    Hybrid,
}

impl Mode {
    /// The word for it in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Local => "local",
            Self::Hybrid => "hybrid",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cloud" => Ok(Self::Cloud),
            "local" => Ok(Self::Local),
            "hybrid" => Ok(Self::Hybrid),
            _ => Err(Error::new(ErrorKind::Config, "the environment is one of cloud, local or hybrid").with("seen", text)),
        }
    }
}

/// One of the two sides a call can run on.
///
/// ```
/// use everreach_core::Side;
/// assert_eq!(Side::Cloud.other(), Side::Local);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Side {
    /// The cloud terminal.
    Cloud,
    /// This machine.
    Local,
}

impl Side {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Local => "local",
        }
    }

    /// The opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Cloud => Self::Local,
            Self::Local => Self::Cloud,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Side {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cloud" => Ok(Self::Cloud),
            "local" => Ok(Self::Local),
            _ => Err(Error::new(ErrorKind::InvalidInput, "a side is cloud or local").with("seen", text)),
        }
    }
}
