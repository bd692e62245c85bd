//! What routing is told from outside.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::secret::bearer_header;
use crate::{Error, ErrorKind, Mode, Result};

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

    /// Whether the endpoint and the key can be used. Nobody is asked.
    ///
    /// ```
    /// use everreach_core::routing::RemoteConfig;
    /// assert!(RemoteConfig::new("http://127.0.0.1:8765".parse().expect("a URL")).validate().is_ok());
    /// assert!(RemoteConfig::new("file:///tmp/worker".parse().expect("a URL")).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with a key no header can carry or an unusable endpoint.
    pub fn validate(&self) -> Result<()> {
        self.services_url()?;
        self.authorization()?;
        Ok(())
    }

    /// The same for a cloud terminal, which always wants a key.
    pub(crate) fn validate_as_cloud(&self) -> Result<()> {
        if self.key.as_ref().is_none_or(|key| key.expose_secret().is_empty()) {
            return Err(Error::new(ErrorKind::Config, "the cloud needs a key; set EVERREACH_CLOUD_KEY")
                .with_operation("set up the cloud"));
        }
        self.validate()
    }

    /// Where the actions are.
    pub(super) fn services_url(&self) -> Result<Url> {
        let wrong = |sentence| Error::new(ErrorKind::Config, sentence).with_operation("set up a remote side");
        let mut services = self.endpoint.clone();
        if !matches!(services.scheme(), "http" | "https") || services.host().is_none() {
            return Err(wrong("an endpoint is an http or https URL").with("scheme", services.scheme()));
        }
        if !services.username().is_empty() || services.password().is_some() {
            return Err(wrong("an endpoint has no user or password in it; give the key in the setting for it"));
        }
        services.set_query(None);
        services.set_fragment(None);
        if let Ok(mut path) = services.path_segments_mut() {
            path.pop_if_empty().extend(["api", "services"]);
        }
        Ok(services)
    }

    /// The header that carries the key.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>> {
        self.key.as_ref().map(bearer_header).transpose()
    }
}
