//! A document of shared state, its versions, and the changes that make them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::StateKind;
use crate::{Error, ErrorKind, Id, Result, Side, Timestamp};

const LONGEST_KEY: usize = 200;

/// Which document of its kind: an identifier, in clear on the wire and in logs. 1 to 200 of `A-Z a-z 0-9 . _ : / -`, so that neither a
/// name nor an address of a person fits.
///
/// ```
/// use everreach_core::sync::state::StateKey;
/// assert_eq!("week/2026-47".parse::<StateKey>()?.as_str(), "week/2026-47");
/// assert!("jane@client.example".parse::<StateKey>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StateKey(String);

impl StateKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StateKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        if (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(is_good) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(ErrorKind::InvalidInput, "a document's key is 1 to 200 of A-Z a-z 0-9 . _ : / -")
            .with("seen length", text.len()))
    }
}

impl<'de> Deserialize<'de> for StateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One version of a document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// What it is about.
    pub kind: StateKind,
    /// Which one.
    pub key: StateKey,
    /// This version's own id.
    pub id: Id,
    /// Which version of the document it is, counted where it was made.
    pub number: i64,
    /// The version it was made from, of which the other side knew.
    pub base: Option<Id>,
    /// The database in which it was made.
    pub node: String,
    /// The side that made it.
    pub side: Side,
    /// What it says; null when it was removed.
    pub payload: Value,
    /// When it was made, by the clock of the side that made it. Decides nothing.
    pub updated_at: Timestamp,
}

/// A change of a document, to be recorded in the transaction that makes it.
///
/// ```
/// use everreach_core::sync::state::{StateChange, StateKind};
/// let change = StateChange::new(StateKind::CrmStats, "today".parse()?, serde_json::json!({"replies": 4}));
/// assert_eq!(change.kind, StateKind::CrmStats);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StateChange {
    /// What the document is about.
    pub kind: StateKind,
    /// Which one.
    pub key: StateKey,
    /// All that it says from now on; null to remove it.
    pub payload: Value,
}

impl StateChange {
    /// The document says this from now on.
    #[must_use]
    pub const fn new(kind: StateKind, key: StateKey, payload: Value) -> Self {
        Self { kind, key, payload }
    }
}

/// A document as this side knows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StateView {
    /// What it is about.
    pub kind: StateKind,
    /// Which one.
    pub key: StateKey,
    /// What it says; null when it was removed.
    pub payload: Value,
    /// The side that said so.
    pub side: Side,
    /// When that side said so, by its own clock.
    pub updated_at: Timestamp,
    /// When this side learned it.
    pub received_at: Timestamp,
    /// Whether the cloud has yet to acknowledge it.
    pub is_pending: bool,
    /// When the cloud was last asked for news; never on the cloud itself.
    pub as_of: Option<Timestamp>,
}

impl StateView {
    /// How old the answer may be: the time since the cloud was last asked, or since the document was learned when it never was.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> std::time::Duration {
        (now - self.as_of.unwrap_or(self.received_at)).to_std().unwrap_or_default()
    }
}
