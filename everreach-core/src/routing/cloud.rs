//! The cloud executor: calls go to the cloud terminal.

use std::time::Duration;

use async_trait::async_trait;

use super::wire::Remote;
use super::{Call, Execution, Executor, RemoteConfig, ServiceListing};
use crate::{Result, SharedClock};

const LISTING_TIMEOUT: Duration = Duration::from_secs(5);
const RECALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs calls on the cloud terminal.
///
/// ```
/// use everreach_core::http::{HttpConfig, client};
/// use everreach_core::routing::{CloudExecutor, RemoteConfig};
/// use everreach_core::{ErrorKind, SystemClock};
/// let cloud = RemoteConfig::new("https://cloud.example".parse().expect("a URL"));
/// let client = client(&HttpConfig::default())?;
/// let keyless = CloudExecutor::new(&cloud, client.clone(), SystemClock::shared());
/// assert_eq!(keyless.expect_err("no key").kind(), ErrorKind::Config);
/// CloudExecutor::new(&cloud.with_key("er_live_1"), client, SystemClock::shared())?;
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug)]
pub struct CloudExecutor {
    remote: Remote,
}

impl CloudExecutor {
    /// An executor for this cloud terminal, over a client that may be shared.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) without a key, with a key no header can carry, or with an unusable endpoint.
    pub fn new(config: &RemoteConfig, client: reqwest::Client, clock: SharedClock) -> Result<Self> {
        config.validate_as_cloud()?;
        Ok(Self { remote: Remote::new(config, client, clock)? })
    }
}

#[async_trait]
impl Executor for CloudExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        self.remote.execute(call).await
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        self.remote.list(LISTING_TIMEOUT).await
    }

    async fn recall(&self, idempotency_key: &str) -> Result<Option<Execution>> {
        self.remote.recall(idempotency_key, RECALL_TIMEOUT).await
    }
}

#[cfg(test)]
#[path = "cloud_tests.rs"]
mod tests;
