//! What an agent may use.

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

const LEAST_MEMORY_MB: u64 = 8;
const LEAST_OPEN_FILES: u64 = 16;

/// What an agent may use; none of them when nothing is said.
///
/// ```
/// use everreach_core::supervisor::Limits;
/// let limits: Limits = serde_json::from_str(r#"{"memory_mb": 512}"#)?;
/// assert_eq!(limits.memory_bytes(), Some(512 * 1024 * 1024));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Resident memory of the agent and its children, in MiB. It is looked at every few seconds; one that uses more is stopped and started anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Open files. The kernel refuses more (Linux only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

impl Limits {
    /// The memory limit in bytes.
    #[must_use]
    pub const fn memory_bytes(&self) -> Option<u64> {
        match self.memory_mb {
            Some(mb) => Some(mb.saturating_mul(1024 * 1024)),
            None => None,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let too_small = |field, least, seen: u64| {
            Err(Error::new(ErrorKind::InvalidInput, "no program runs within this limit: raise it, or leave it out")
                .with("field", field)
                .with("at_least", least)
                .with("seen", seen))
        };
        match *self {
            Self { memory_mb: Some(seen), .. } if seen < LEAST_MEMORY_MB => too_small("limits.memory_mb", LEAST_MEMORY_MB, seen),
            Self { open_files: Some(seen), .. } if seen < LEAST_OPEN_FILES => {
                too_small("limits.open_files", LEAST_OPEN_FILES, seen)
            }
            _ => Ok(()),
        }
    }
}
