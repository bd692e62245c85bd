//! What one look at the cloud has found.

use std::fmt;

use serde::Serialize;

/// Why a look at the cloud counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeFailure {
    /// No connection, or it broke.
    Unreachable,
    /// No whole answer came in time.
    Timeout,
    /// A status other than 2xx.
    BadStatus,
    /// Something else than a JSON object that says `status: ok`; a captive portal answers so.
    BadBody,
    /// Another program, or this one itself.
    WrongIdentity,
}

impl ProbeFailure {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::BadStatus => "bad_status",
            Self::BadBody => "bad_body",
            Self::WrongIdentity => "wrong_identity",
        }
    }
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one look at the cloud has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever takes a reading in has to answer each of them")]
pub enum Reading {
    /// It answered well.
    Good,
    /// It did not.
    Bad(ProbeFailure),
    /// It did not, and neither did anything else: this machine's own network is down, which says nothing about the cloud.
    OwnNetworkDown,
}
