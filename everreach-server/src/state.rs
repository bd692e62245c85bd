//! What every request shares: the runtime, who may come in, and whether the server is closing.

use std::num::NonZeroU32;
use std::sync::Arc;

use everreach_core::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::auth::Access;
use crate::host::AllowedHosts;

/// A cheap-to-clone handle on everything a request needs.
#[derive(Debug, Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    runtime: Runtime,
    access: Access,
    hosts: AllowedHosts,
    closing: CancellationToken,
    replicas: NonZeroU32,
}

impl AppState {
    /// The state of one server over this runtime.
    #[must_use]
    pub fn new(runtime: Runtime, access: Access, hosts: AllowedHosts) -> Self {
        let inner = Inner { runtime, access, hosts, closing: CancellationToken::new(), replicas: NonZeroU32::MIN };
        Self { inner: Arc::new(inner) }
    }

    /// States how many replicas of the cloud terminal are meant to run; `/health` reports it. One, unless said.
    #[must_use]
    pub fn with_replicas(self, replicas: NonZeroU32) -> Self {
        Self { inner: Arc::new(Inner { replicas, ..Arc::unwrap_or_clone(self.inner) }) }
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// Who may come in.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.inner.access
    }

    /// Which names are answered.
    #[must_use]
    pub fn hosts(&self) -> &AllowedHosts {
        &self.inner.hosts
    }

    /// Cancelled when the server stops taking requests: streams end, and `/readyz` says no.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.inner.closing
    }

    pub(crate) fn replicas(&self) -> NonZeroU32 {
        self.inner.replicas
    }
}
