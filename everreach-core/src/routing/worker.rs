//! The HTTP executor: calls go to a worker on this machine, whose registry has the real handlers.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::wire::Remote;
use super::{Call, Execution, Executor, RemoteConfig, ServiceListing};
use crate::{ActionName, Result, SharedClock};

const LISTING_TIMEOUT: Duration = Duration::from_secs(5);
const FRESH_FOR: Duration = Duration::from_secs(30);
/// How soon a worker that could not be asked is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Runs calls on a worker that speaks the registry's protocol.
///
/// ```
/// use everreach_core::http::{HttpConfig, client};
/// use everreach_core::routing::{HttpExecutor, RemoteConfig};
/// use everreach_core::SystemClock;
/// let worker = RemoteConfig::new("http://127.0.0.1:8765".parse().expect("a URL"));
/// HttpExecutor::new(&worker, client(&HttpConfig::default())?, SystemClock::shared())?;
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug)]
pub struct HttpExecutor {
    remote: Remote,
    clock: SharedClock,
    known: Mutex<Known>,
    /// Held while the worker is asked, so that many callers ask once.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default, Clone)]
struct Known {
    listing: Option<Arc<Listing>>,
    /// Until when nobody asks, on the monotonic clock.
    settled_until: Option<Duration>,
}

#[derive(Debug)]
struct Listing {
    services: Vec<ServiceListing>,
    names: HashSet<ActionName>,
}

impl HttpExecutor {
    /// An executor for this worker, over a client that may be shared. The key is optional.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with a key no header can carry or an unusable endpoint.
    pub fn new(config: &RemoteConfig, client: reqwest::Client, clock: SharedClock) -> Result<Self> {
        let remote = Remote::new(config, client, clock.clone())?;
        Ok(Self { remote, clock, known: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    /// Whether the worker lists the action, as of its last answer, at most 30 s old; a worker that cannot be asked within
    /// `patience` keeps its last list.
    pub async fn lists(&self, action: &ActionName, patience: Duration) -> bool {
        if !self.is_settled() {
            // A failure leaves the last list in force, which is the answer wanted here.
            drop(timeout(patience, self.refresh()).await);
        }
        self.known().listing.is_some_and(|listing| listing.names.contains(action))
    }

    async fn refresh(&self) -> Result<()> {
        let _asking = self.asking.lock().await;
        if self.is_settled() {
            return Ok(());
        }
        let asked = self.remote.list(LISTING_TIMEOUT).await;
        let now = self.clock.monotonic();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(services) => {
                let names = services.iter().map(|listing| listing.action.clone()).collect();
                *known = Known { listing: Some(Arc::new(Listing { services, names })), settled_until: Some(now + FRESH_FOR) };
                Ok(())
            }
            Err(error) => {
                known.settled_until = Some(now + ASK_AGAIN_AFTER);
                Err(error)
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.known().settled_until.is_some_and(|until| self.clock.monotonic() < until)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Executor for HttpExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        self.remote.execute(call).await
    }

    /// The worker's list, at most 30 s old.
    async fn services(&self) -> Result<Vec<ServiceListing>> {
        if !self.is_settled() {
            self.refresh().await?;
        }
        match self.known().listing {
            Some(listing) => Ok(listing.services.clone()),
            // Settled without a list: it could not be asked a moment ago. Whoever asks for the list itself wants the reason.
            None => self.remote.list(LISTING_TIMEOUT).await,
        }
    }
}
