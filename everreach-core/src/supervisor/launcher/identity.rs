//! What makes a process the one that was started.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::platform;

/// The variable by which a process and all that comes of it are recognised.
pub(super) const COOKIE: &str = "EVERREACH_INCARNATION";

/// One run of an agent: 128 random bits, handed to its process, which says them with each heartbeat.
///
/// ```
/// use everreach_core::supervisor::Incarnation;
/// assert_ne!(Incarnation::random(), Incarnation::random());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(String);

impl Incarnation {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    /// One as it was written down.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes a process the one that was started: numbers are used again, all of this together is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessIdentity {
    /// Its number.
    pub pid: i32,
    /// When it was born, as its machine counts.
    pub birth: String,
    /// Which start of which machine.
    pub boot: String,
    /// What the kernel calls it, where it says so (Linux 6.9 and newer): never used again.
    pub handle: Option<u64>,
}

impl ProcessIdentity {
    /// Whether the process of this number is this one. Where the kernel has no name of its own for it, only one that still carries the
    /// incarnation counts.
    pub(super) fn is_alive(&self, incarnation: &Incarnation) -> bool {
        if self.boot != platform::boot() || platform::birth(self.pid).as_deref() != Some(self.birth.as_str()) {
            return false;
        }
        match (self.handle, platform::handle(self.pid)) {
            (Some(before), Some(now)) => before == now,
            _ => platform::carries(self.pid, incarnation.as_str()),
        }
    }
}
