//! What agents, their abilities and their groups are called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, ErrorKind, Result};

const LONGEST_ID: usize = 64;
const LONGEST_CAPABILITY: usize = 100;

/// The id of an agent: letters, digits, `-`, `_` and `.`, begun by a letter or a digit, 64 bytes at most. It is safe as a name of a file.
///
/// ```
/// use everreach_core::supervisor::AgentId;
/// assert_eq!("content-agent".parse::<AgentId>()?.as_str(), "content-agent");
/// assert!("../content-agent".parse::<AgentId>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AgentId(Arc<str>);

/// Something an agent can do: words joined by dots, such as `content.generate`; lower case, 100 bytes at most.
///
/// ```
/// use everreach_core::supervisor::Capability;
/// assert!("content.generate".parse::<Capability>().is_ok());
/// assert!("content..generate".parse::<Capability>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Capability(Arc<str>);

/// A word by which agents are picked together; formed like an [`AgentId`].
///
/// ```
/// assert!("nightly".parse::<everreach_core::supervisor::Tag>().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Tag(Arc<str>);

fn is_plain(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= LONGEST_ID && text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(is_part)
}

fn is_dotted(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_part);
    text.len() <= LONGEST_CAPABILITY && text.split('.').all(is_word)
}

fn refused(sentence: &'static str, text: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, sentence).with("seen", text.chars().take(LONGEST_CAPABILITY).collect::<String>())
}

impl FromStr for AgentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sentence = "an agent's id is at most 64 letters, digits, `-`, `_` or `.`, begun by a letter or a digit";
        if is_plain(text) { Ok(Self(text.into())) } else { Err(refused(sentence, text)) }
    }
}

impl FromStr for Capability {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sentence = "a capability is lower-case words joined by dots, such as content.generate, of at most 100 characters";
        if is_dotted(text) { Ok(Self(text.into())) } else { Err(refused(sentence, text)) }
    }
}

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sentence = "a tag is at most 64 letters, digits, `-`, `_` or `.`, begun by a letter or a digit";
        if is_plain(text) { Ok(Self(text.into())) } else { Err(refused(sentence, text)) }
    }
}

impl AgentId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Capability {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err = Error>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    #[test]
    fn names_that_could_leave_a_folder_or_confuse_a_shell_are_refused() {
        for text in ["", ".", "..", ".hidden", "a/b", "a b", "a\n", "-rf", "a;b", "ä", &"x".repeat(65)] {
            assert!(text.parse::<AgentId>().is_err(), "{text:?}");
            assert!(text.parse::<Tag>().is_err(), "{text:?}");
        }
        for text in ["", ".", "a.", ".a", "A.b", "a b", "a/b", &"x".repeat(101)] {
            assert!(text.parse::<Capability>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_id_that_is_accepted_is_one_component_of_a_path(text in "\\PC{0,70}") {
            if let Ok(id) = text.parse::<AgentId>() {
                let mut parts = std::path::Path::new(id.as_str()).components();
                prop_assert!(matches!(parts.next(), Some(std::path::Component::Normal(_))));
                prop_assert!(parts.next().is_none());
            }
        }
    }
}
