//! Calls for the local machine, as a runtime hands them over or takes them up.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Runtime, RuntimeConfig};
use crate::events::EventLog;
use crate::ledger::{CallRecord, IdempotencyKey, Ledger, Verdict};
use crate::relay::{Puller, PullerParts, Relay};
use crate::routing::{LocalRelay, Orchestrator};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{Result, SharedClock};

/// Whoever looks after the rows, where both machines use this database.
pub(super) fn handing_over(
    config: &RuntimeConfig,
    store: &Store,
    clock: &SharedClock,
    ledger: &Ledger,
    events: &EventLog,
) -> Option<Relay> {
    let relay = || Relay::new(store.clone(), Arc::clone(clock), ledger.clone(), events.clone(), config.relay.clone());
    config.failover.shares_database().then(relay)
}

/// Whoever takes the rows up: a terminal that is not the cloud.
pub(super) fn pulling(
    config: &RuntimeConfig,
    store: &Store,
    clock: &SharedClock,
    stop: &StopSwitch,
    orchestrator: &Orchestrator,
    stopping: &CancellationToken,
) -> Option<Puller> {
    let parts = || PullerParts {
        store: store.clone(),
        clock: Arc::clone(clock),
        stop: stop.clone(),
        orchestrator: orchestrator.clone(),
        config: config.relay.clone(),
        stopping: stopping.child_token(),
    };
    let is_local = !config.routing.is_cloud_terminal && config.routing.mode != crate::Mode::Cloud;
    (config.failover.shares_database() && is_local).then(|| Puller::new(parts()))
}

impl Runtime {
    /// The journal's record of a call, after a look at the row it was queued as, if it was.
    ///
    /// # Errors
    /// The store's.
    pub async fn call(&self, key: &IdempotencyKey) -> Result<Option<CallRecord>> {
        if let Some(relay) = &self.parts.relay {
            relay.settle(key).await?;
        }
        self.parts.ledger.get(key).await
    }

    /// Settles a held call by a person's word. A call that was queued is settled together with its row: after `DidNotHappen` the same
    /// row goes again when the call is sent again.
    ///
    /// # Errors
    /// Those of [`Ledger::resolve`].
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::{ErrorKind, ledger::Verdict};
    /// # async fn run() -> everreach_core::Result<()> {
    /// # let mut config = RuntimeConfig::default();
    /// # config.store.url = "sqlite::memory:".to_owned();
    /// # config.data_dir = std::env::temp_dir().join("everreach-doc-resolve");
    /// let runtime = Runtime::builder(config).build().await?;
    /// let unknown = runtime.resolve(&"order-1".parse()?, Verdict::Happened).await.expect_err("no such call");
    /// assert_eq!(unknown.kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
    /// ```
    pub async fn resolve(&self, key: &IdempotencyKey, verdict: Verdict) -> Result<CallRecord> {
        match &self.parts.relay {
            Some(relay) => relay.resolve(key, verdict).await,
            None => self.parts.ledger.resolve(key, verdict).await,
        }
    }

    /// Whoever runs the calls that a cloud terminal left for this machine: with a shared database, and where this is not the cloud.
    #[must_use]
    pub fn puller(&self) -> Option<&Puller> {
        self.parts.puller.as_ref()
    }

    /// Runs the calls that a cloud terminal left for this machine as they come, until the runtime stops. Does nothing where there is no
    /// [`puller`](Self::puller).
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// # async fn run() -> everreach_core::Result<()> {
    /// # let mut config = RuntimeConfig::default();
    /// # config.store.url = "sqlite::memory:".to_owned();
    /// # config.data_dir = std::env::temp_dir().join("everreach-doc-pulling");
    /// config.failover.mode = Some(everreach_core::failover::TwoNodeMode::Shared);
    /// let runtime = Runtime::builder(config).build().await?;
    /// runtime.start_pulling();
    /// assert!(runtime.call(&"order-1".parse()?).await?.is_none());
    /// runtime.shutdown(std::time::Duration::from_secs(5)).await;
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
    /// ```
    pub fn start_pulling(&self) {
        if let Some(puller) = self.parts.puller.clone() {
            self.parts.background.spawn(async move { puller.run().await });
        }
    }

    /// Whoever hands calls over, for tests beside it.
    #[cfg(test)]
    pub(crate) fn relay(&self) -> Option<&Relay> {
        self.parts.relay.as_ref()
    }

    /// Brings every queued call up to what its row says.
    pub(super) async fn settle_queued(&self) -> Result<()> {
        match &self.parts.relay {
            Some(relay) => relay.settle_all().await,
            None => Ok(()),
        }
    }
}
