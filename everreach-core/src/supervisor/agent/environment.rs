//! The environment of an agent, checked name by name: it is built from nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, ErrorKind, Result};

/// How much names and values may take together.
pub(super) const MOST_BYTES: usize = 64 * 1024;
/// Names that make a program load code of somebody's choice before its own.
const LOADERS: [&str; 9] =
    ["GCONV_PATH", "PYTHONSTARTUP", "PYTHONHOME", "NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "BASH_ENV", "ENV", "IFS"];
const LOADER_FAMILIES: [&str; 2] = ["LD_", "DYLD_"];
/// What the supervisor sets itself.
const OURS: &str = "EVERREACH_";

/// Where the value of a secret comes from: `env:NAME` of the host's own settings, or `file:/path` of a file that only its owner can read.
///
/// ```
/// use everreach_core::supervisor::SecretRef;
/// assert_eq!("env:OPENAI_API_KEY".parse::<SecretRef>()?.to_string(), "env:OPENAI_API_KEY");
/// assert!("sk-live-123".parse::<SecretRef>().is_err(), "a reference, never the value");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "whoever resolves it has to answer each of them")]
pub enum SecretRef {
    /// A variable that the host was started with.
    Environment(String),
    /// A file, by its absolute path.
    File(String),
}

impl FromStr for SecretRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if path.starts_with('/') && !path.contains('\0') => Ok(Self::File(path.to_owned())),
            // What was seen may be a secret that somebody took for a reference.
            _ => Err(Error::new(ErrorKind::InvalidInput, "a secret is referred to as env:NAME or file:/absolute/path")
                .with("field", "secrets")),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && !text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(is_part)
}

fn check_name(name: &str) -> Result<()> {
    let refuse = |sentence| Err(Error::new(ErrorKind::InvalidInput, sentence).with("field", "env").with("seen", shown(name)));
    if !is_name(name) {
        return refuse("a variable's name is letters, digits and `_`, not begun by a digit");
    }
    if name.starts_with(OURS) {
        return refuse("names that begin with EVERREACH_ are set by the supervisor");
    }
    if LOADERS.contains(&name) || LOADER_FAMILIES.iter().any(|family| name.starts_with(family)) {
        return refuse("this variable makes a program load other code: leave it out, and name the code in the entry point");
    }
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(64).filter(|c| !c.is_control()).collect()
}

/// Checks what a definition says about the environment.
pub(super) fn check(env: &BTreeMap<String, String>, secrets: &BTreeMap<String, SecretRef>) -> Result<()> {
    for name in env.keys().chain(secrets.keys()) {
        check_name(name)?;
    }
    if let Some(name) = env.keys().find(|name| secrets.contains_key(*name)) {
        return Err(Error::new(ErrorKind::InvalidInput, "a variable is either a value or a secret: keep one of the two")
            .with("field", "env")
            .with("seen", name));
    }
    if let Some((name, _)) = env.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Error::new(ErrorKind::InvalidInput, "no value can hold a NUL byte").with("field", "env").with("seen", name));
    }
    let bytes: usize = env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    if bytes > MOST_BYTES {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "an environment has at most 64 KiB: give the agent a file to read instead",
        )
        .with("field", "env")
        .with("seen_bytes", bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn loader_variables_our_own_and_ill_formed_names_are_refused() {
        let none = BTreeMap::new();
        for name in
            ["LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "EVERREACH_INCARNATION", "A B", "1A", "", "A=B", "A\0"]
        {
            let error = check(&env(&[(name, "x")]), &none).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        check(&env(&[("PYTHONPATH", "lib"), ("_X1", "")]), &none).expect("ordinary names");
    }

    #[test]
    fn an_environment_that_is_huge_or_names_a_secret_twice_is_refused() {
        let secrets = BTreeMap::from([("KEY".to_owned(), SecretRef::Environment("KEY".to_owned()))]);
        assert!(check(&env(&[("KEY", "plain")]), &secrets).is_err());
        assert!(check(&env(&[("BIG", &"x".repeat(MOST_BYTES))]), &BTreeMap::new()).is_err());
        assert!(check(&env(&[("NUL", "a\0b")]), &BTreeMap::new()).is_err());
    }

    #[test]
    fn a_value_that_was_given_in_the_place_of_a_reference_is_not_shown() {
        for text in ["sk-live-123", "env:", "env:1X", "file:relative/sk-live-123", "vault:sk-live-123"] {
            let error = text.parse::<SecretRef>().expect_err("no reference");
            assert!(!format!("{error} {error:?}").contains("sk-live-123"));
        }
    }
}
