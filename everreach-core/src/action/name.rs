//! The name of an action: `service.topic`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

const MAX_LENGTH: usize = 128;

/// A name of the form `service.topic`: two lower-snake-case words and one dot, at most 128 bytes.
///
/// ```
/// use everreach_core::ActionName;
/// let action: ActionName = "dm.send".parse().expect("a name");
/// assert_eq!((action.service(), action.topic()), ("dm", "send"));
/// assert!("DM.send".parse::<ActionName>().is_err());
/// assert!("dm.send.now".parse::<ActionName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionName(Arc<str>);

impl ActionName {
    /// The name built from its two words.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a word is not lower snake case.
    pub fn new(service: &str, topic: &str) -> Result<Self> {
        format!("{service}.{topic}").parse()
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The word before the dot.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(service, _)| service)
    }

    /// The word after the dot.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, topic)| topic)
    }

    /// Whether the text has the form of a name.
    #[must_use]
    pub fn is_well_formed(text: &str) -> bool {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        text.len() <= MAX_LENGTH && text.split_once('.').is_some_and(|(service, topic)| word(service) && word(topic))
    }
}

impl FromStr for ActionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if Self::is_well_formed(text) {
            return Ok(Self(text.into()));
        }
        let shown: String = text.chars().take(MAX_LENGTH).collect();
        Err(Error::new(ErrorKind::InvalidInput, "an action is `service.topic`: two lower_snake_case words and one dot")
            .with_operation("parse action name")
            .with("seen", shown.escape_debug()))
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for ActionName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ActionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for ActionName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActionName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_other_shape_are_refused() {
        let too_long = format!("dm.{}", "x".repeat(MAX_LENGTH));
        for text in ["", ".", "dm", "dm.", ".send", "Dm.send", "dm.send.now", "dm send.x", "1dm.send", "dm.se-nd", "dm.send\n", &too_long] {
            assert!(text.parse::<ActionName>().is_err(), "{text:?} passed");
        }
    }

    #[test]
    fn the_error_escapes_what_it_quotes() {
        let error = "dm.send\u{1b}[31m".parse::<ActionName>().expect_err("control characters");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}
