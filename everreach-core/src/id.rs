//! Ids: UUID version 7, so that they sort by age.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result};

/// The id of a row, a request or an event.
///
/// Ids made here are UUIDs of version 7: later ones compare greater. Ids of other programs' rows may be of any version.
///
/// ```
/// use everreach_core::Id;
/// let id = Id::new();
/// assert_eq!(id.to_string().parse::<Id>().expect("its own text"), id);
/// assert!("not an id".parse::<Id>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Uuid);

impl Id {
    /// A new id.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "two defaults would differ")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// An id that another program made.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Id {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text).map(Self).map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "an id is a UUID such as 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b")
                .with("seen", text)
                .with_source(source)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_compare_greater() {
        let first = Id::new();
        let second = Id::new();
        assert!(first < second);
    }
}
