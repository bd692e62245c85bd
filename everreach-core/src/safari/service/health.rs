//! How a service is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Service;
use crate::{Error, ErrorKind, Result, Timestamp};

/// How a service is, in the words of `safari_service_health`.
///
/// ```
/// use everreach_core::safari::HealthStatus;
/// assert_eq!("timeout".parse::<HealthStatus>()?, HealthStatus::Timeout);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HealthStatus {
    /// It answered, and it is the one that was meant.
    Healthy,
    /// It cannot be reached, or somebody else answers.
    Down,
    /// It did not answer in time.
    Timeout,
}

impl HealthStatus {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Down => "down",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HealthStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Healthy, Self::Down, Self::Timeout].into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a service is healthy, down or timeout").with("seen", text.escape_debug())
        })
    }
}

/// What a look at one service found.
///
/// ```
/// use everreach_core::safari::{HealthStatus, Service, ServiceHealth};
/// use std::time::Duration;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let health = ServiceHealth::new(Service::TwitterDm, HealthStatus::Healthy, "up", now).after(Duration::from_millis(12));
/// assert!(health.is_healthy());
/// assert_eq!((health.response_ms, health.port), (Some(12), 3003));
/// assert_eq!(health.at_port(3103).port, 3103);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServiceHealth {
    /// Which service.
    pub service: Service,
    /// The port at which it was looked for.
    pub port: u16,
    /// How it is.
    pub status: HealthStatus,
    /// How long it took to answer, in milliseconds; none when it did not.
    pub response_ms: Option<u64>,
    /// The same in words.
    pub detail: String,
    /// When it was looked at.
    pub checked_at: Timestamp,
}

impl ServiceHealth {
    /// A finding without a duration, at the service's usual port.
    #[must_use]
    pub fn new(service: Service, status: HealthStatus, detail: impl Into<String>, checked_at: Timestamp) -> Self {
        Self { service, port: service.profile().port, status, response_ms: None, detail: detail.into(), checked_at }
    }

    /// Says that it was looked for at another port.
    #[must_use]
    pub const fn at_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Says how long the answer took.
    #[must_use]
    pub fn after(mut self, elapsed: Duration) -> Self {
        self.response_ms = u64::try_from(elapsed.as_millis()).ok();
        self
    }

    /// Whether something may be sent to it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.status == HealthStatus::Healthy
    }
}
