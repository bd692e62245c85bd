//! What a key may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// One thing that a key may do.
///
/// ```
/// use everreach_core::access::Scope;
/// assert_eq!("dispatch".parse::<Scope>().expect("a word"), Scope::Dispatch);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scope {
    /// Look at anything.
    Read,
    /// Run actions.
    Dispatch,
    /// Change anything but keys and settings.
    Operate,
    /// Everything, keys and settings included.
    Admin,
}

impl Scope {
    const ALL: [Self; 4] = [Self::Read, Self::Dispatch, Self::Operate, Self::Admin];

    /// The word for it in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Dispatch => "dispatch",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Dispatch => 2,
            Self::Operate => 4,
            Self::Admin => 8,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = text.trim();
        Self::ALL.into_iter().find(|scope| scope.as_str() == word).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a scope is read, dispatch, operate or admin").with("seen", word.escape_debug())
        })
    }
}

/// The scopes of a key. `admin` includes all others; the others include nothing.
///
/// ```
/// use everreach_core::access::{Scope, Scopes};
/// let scopes: Scopes = "read,dispatch".parse().expect("two words");
/// assert!(scopes.allow(Scope::Dispatch) && !scopes.allow(Scope::Operate));
/// assert_eq!(serde_json::to_string(&scopes).expect("json"), r#"["read","dispatch"]"#);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything.
    pub const ADMIN: Self = Self(Scope::Admin.bit());

    /// These scopes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there are none: such a key could do nothing.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self> {
        match scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()) {
            0 => Err(Error::new(ErrorKind::InvalidInput, "a key needs at least one scope: read, dispatch, operate or admin")),
            bits => Ok(Self(bits)),
        }
    }

    /// Whether a key with these scopes may do what needs this one.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// The scopes that were given, without what `admin` includes.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Scopes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let words = text.split(',').filter(|word| !word.trim().is_empty());
        Self::new(words.map(str::parse).collect::<Result<Vec<Scope>>>()?)
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::new(Vec::<Scope>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_admin_includes_other_scopes() {
        for given in Scope::ALL {
            let scopes = Scopes::new([given]).expect("one scope");
            for needed in Scope::ALL {
                assert_eq!(scopes.allow(needed), given == needed || given == Scope::Admin, "{given} for {needed}");
            }
        }
    }

    #[test]
    fn text_and_json_read_back_and_repeats_count_once() {
        let scopes: Scopes = " operate, read,read ".parse().expect("two scopes");
        assert_eq!(scopes.to_string(), "read,operate");
        let json = serde_json::to_string(&scopes).expect("json");
        assert_eq!(serde_json::from_str::<Scopes>(&json).expect("read back"), scopes);
    }

    #[test]
    fn no_scope_and_unknown_scopes_are_refused() {
        for text in ["", " , ", "root", "read;dispatch", "READ"] {
            assert_eq!(text.parse::<Scopes>().expect_err(text).kind(), ErrorKind::InvalidInput);
        }
    }
}
