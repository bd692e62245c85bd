//! The verdicts.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind, Outcome};

/// Whether a command that was refused may be tried again, and at whose expense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// Later, without using up a repeat: the service was busy, closed or at its limit.
    Free,
    /// Later, as one of the few repeats a command has.
    Counted,
    /// The answer would be the same.
    Never,
}

/// What became of one try.
///
/// ```
/// use everreach_core::Outcome;
/// use everreach_core::safari::{DispatchVerdict, Repeat};
/// assert_eq!(DispatchVerdict::Refused(Repeat::Free).as_str(), "refused");
/// assert_eq!(DispatchVerdict::SentUnverified.outcome(), Outcome::Executed);
/// assert_eq!("unknown".parse::<DispatchVerdict>()?, DispatchVerdict::Unknown);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispatchVerdict {
    /// The service did it, and saw that it was done. For verbs that send nothing: done.
    Sent,
    /// It was submitted and not seen afterwards. Done, counted and never repeated.
    SentUnverified,
    /// The service knows that it was done before, and did nothing.
    Duplicate,
    /// It certainly was not submitted.
    Refused(Repeat),
    /// It may have been submitted: held for a person, never repeated by itself.
    Unknown,
}

impl DispatchVerdict {
    /// The word for it in results and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::SentUnverified => "sent_unverified",
            Self::Duplicate => "duplicate",
            Self::Refused(_) => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// The same in the words of the journal.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Sent | Self::SentUnverified => Outcome::Executed,
            Self::Duplicate | Self::Refused(_) => Outcome::NotExecuted,
            Self::Unknown => Outcome::Unknown,
        }
    }

    /// Whether what was taken from a limit stays taken: all but what certainly was not submitted.
    ///
    /// ```
    /// use everreach_core::safari::DispatchVerdict;
    /// assert!(DispatchVerdict::Unknown.uses_limit() && !DispatchVerdict::Duplicate.uses_limit());
    /// ```
    #[must_use]
    pub const fn uses_limit(self) -> bool {
        matches!(self, Self::Sent | Self::SentUnverified | Self::Unknown)
    }
}

impl fmt::Display for DispatchVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DispatchVerdict {
    type Err = Error;

    /// Reads the word back. A stored refusal reads back as final: what followed from it stands in the row.
    fn from_str(text: &str) -> crate::Result<Self> {
        [Self::Sent, Self::SentUnverified, Self::Duplicate, Self::Refused(Repeat::Never), Self::Unknown]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput, "an outcome is sent, sent_unverified, duplicate, refused or unknown")
                    .with("seen", text.escape_debug())
            })
    }
}

impl Serialize for DispatchVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
