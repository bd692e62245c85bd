//! What becomes of an agent that ended, and of one whose supervisor ended.

use serde::{Deserialize, Serialize};

/// Whether an agent that ended by itself is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum RestartPolicy {
    /// Always; a clean exit is no failure.
    #[default]
    Always,
    /// Unless its exit code is one of success.
    OnFailure,
    /// Never.
    Never,
}

/// What becomes of an agent when its supervisor ends without stopping it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum DeathPolicy {
    /// It runs on, and the next supervisor takes it over.
    #[default]
    Survive,
    /// The next supervisor ends it before anything else, and starts it anew. Until one starts it runs on.
    Kill,
}

impl RestartPolicy {
    /// Its word in files and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnFailure => "on_failure",
            Self::Never => "never",
        }
    }
}
