//! What a look at an agent's health can find.

use std::time::Duration;

use serde::Serialize;

/// How a look at an agent's health failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeFailure {
    /// Nobody listens there.
    Refused,
    /// No answer came in time.
    Timeout,
    /// An answer began in time and did not end in time.
    SlowBody,
    /// The answer says that it failed, or leads elsewhere.
    BadStatus,
    /// The answer is not that of this agent, says that it is unwell, or is too long.
    BadBody,
    /// Its name cannot be resolved.
    Dns,
    /// Its address may not be asked.
    Forbidden,
}

impl ProbeFailure {
    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::SlowBody => "slow_body",
            Self::BadStatus => "bad_status",
            Self::BadBody => "bad_body",
            Self::Dns => "dns",
            Self::Forbidden => "forbidden",
        }
    }
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthResult {
    /// How it failed; nothing when all is well.
    pub failure: Option<ProbeFailure>,
    /// What exactly was wrong.
    pub detail: Option<String>,
    /// How long the answer took.
    #[serde(rename = "response_ms", serialize_with = "as_millis")]
    pub took: Duration,
}

fn as_millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

impl HealthResult {
    /// All is well.
    #[must_use]
    pub const fn good(took: Duration) -> Self {
        Self { failure: None, detail: None, took }
    }

    /// Something is wrong.
    #[must_use]
    pub fn bad(failure: ProbeFailure, detail: impl Into<String>, took: Duration) -> Self {
        Self { failure: Some(failure), detail: Some(detail.into()), took }
    }

    /// Whether all is well.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.failure.is_none()
    }
}
