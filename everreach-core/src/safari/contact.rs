//! A person on a platform.

use std::fmt;

use serde::Serialize;

use super::Platform;

/// A person, as lists and rules know them: the account's platform and the user name in lower case without `@`.
///
/// ```
/// use everreach_core::safari::{Contact, Platform};
/// assert_eq!(Contact::new(Platform::Instagram, "@Bob"), Contact::new(Platform::Instagram, "bob"));
/// assert_eq!(Contact::new(Platform::Twitter, "bob").to_string(), "twitter:bob");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Contact {
    platform: Platform,
    handle: String,
}

impl Contact {
    /// A person by the user name, however written.
    #[must_use]
    pub fn new(platform: Platform, handle: &str) -> Self {
        let handle = handle.trim();
        Self { platform: platform.account(), handle: handle.strip_prefix('@').unwrap_or(handle).to_lowercase() }
    }

    /// The platform of the account: Instagram for Threads.
    #[must_use]
    pub const fn platform(&self) -> Platform {
        self.platform
    }

    /// The user name.
    #[must_use]
    pub fn handle(&self) -> &str {
        &self.handle
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform, self.handle)
    }
}
