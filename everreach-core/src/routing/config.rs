//! What routing is told from outside.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::Mode;

/// Routing's own settings.
///
/// ```
/// use everreach_core::routing::RoutingConfig;
/// assert_eq!(RoutingConfig::default().deadline.as_secs(), 120);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoutingConfig {
    /// Which sides are used.
    pub mode: Mode,
    /// A route table laid over the built-in one, reloaded when it changes.
    pub table: Option<PathBuf>,
    /// Treat the cloud as unreachable, whatever the probes say.
    pub offline: bool,
    /// Whether this process *is* the cloud: calls run in its own registry and answer `source: cloud`.
    pub is_cloud_terminal: bool,
    /// How long a call may take in all, where it does not say.
    pub deadline: Duration,
    /// How long one try may take, where its route does not say.
    pub try_timeout: Duration,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Local,
            table: None,
            offline: false,
            is_cloud_terminal: false,
            deadline: Duration::from_secs(120),
            try_timeout: Duration::from_secs(30),
        }
    }
}

/// Another process that runs actions over HTTP: the cloud terminal, or a worker on this machine.
///
/// ```
/// use everreach_core::routing::RemoteConfig;
/// let worker = RemoteConfig::new("http://127.0.0.1:8765".parse().expect("a URL"));
/// assert!(worker.key.is_none());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RemoteConfig {
    /// Where it listens; actions are below `/api/services/{service}/{topic}`.
    pub endpoint: Url,
    /// The bearer key it wants.
    pub key: Option<SecretString>,
}

impl std::fmt::Debug for RemoteConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Only the origin: somebody may have put a password into the URL, which the executors refuse.
        let origin = self.endpoint.origin().ascii_serialization();
        f.debug_struct("RemoteConfig").field("origin", &origin).field("keyed", &self.key.is_some()).finish_non_exhaustive()
    }
}

impl RemoteConfig {
    /// A remote without a key.
    #[must_use]
    pub const fn new(endpoint: Url) -> Self {
        Self { endpoint, key: None }
    }

    /// Gives it a key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<SecretString>) -> Self {
        self.key = Some(key.into());
        self
    }
}
