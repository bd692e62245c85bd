//! Whether the cloud is reachable: the shared view that decisions read, and the loop of probes that moves it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::RoutingConfig;
use super::connectivity::{Connectivity, ConnectivityConfig, Edge};
use super::probe::probe;
use crate::events::EventLog;
use crate::notify::Notifier;
use crate::{Event, SharedClock, Timestamp};

/// Time between two probes.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long one probe may take in all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the probes know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectivityState {
    /// Whether the cloud is taken to be reachable.
    pub online: bool,
    /// Whether calls are kept away from it.
    pub offline_mode: bool,
    /// Since when.
    pub since: Timestamp,
}

/// The view that decisions read: one atomic load.
#[derive(Debug, Clone)]
pub struct ConnectivityView {
    is_offline: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    machine: Connectivity,
    since: Timestamp,
}

impl ConnectivityView {
    /// Starts online and is moved by probes; or is offline for good where the settings say so.
    #[must_use]
    pub(crate) fn new(config: &RoutingConfig, now: Timestamp) -> Self {
        let mut machine = Connectivity::new(ConnectivityConfig::default());
        if config.offline {
            let _edge = machine.force_offline();
        }
        let is_offline = Arc::new(AtomicBool::new(!machine.is_online()));
        Self { is_offline, seen: Arc::new(Mutex::new(Seen { machine, since: now })) }
    }

    /// Whether calls are kept away from the cloud.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Relaxed)
    }

    /// What the probes know.
    #[must_use]
    pub fn state(&self) -> ConnectivityState {
        let seen = self.lock();
        let online = seen.machine.is_online();
        ConnectivityState { online, offline_mode: !online, since: seen.since }
    }

    /// Takes in one probe's result; says so when it changed the verdict.
    pub(crate) fn observe(&self, probed: Probed, now: Timestamp) -> Option<Edge> {
        let mut seen = self.lock();
        let edge = match probed {
            Probed::Good => seen.machine.probe_succeeded(),
            Probed::Bad => seen.machine.probe_failed(),
        };
        if edge.is_some() {
            seen.since = now;
        }
        self.is_offline.store(!seen.machine.is_online(), Ordering::Relaxed);
        edge
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One probe's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probed {
    Good,
    Bad,
}

/// What the loop of probes works with.
pub(crate) struct ProbeLoop {
    pub(crate) client: reqwest::Client,
    pub(crate) endpoint: Url,
    pub(crate) view: ConnectivityView,
    pub(crate) events: EventLog,
    pub(crate) clock: SharedClock,
    pub(crate) notifier: Arc<dyn Notifier>,
}

impl ProbeLoop {
    /// Asks the cloud every 30 s until it is told to stop. Events and notices on edges only.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let probed = match probe(&self.client, &self.endpoint, TIMEOUT).await {
                Ok(_) => Probed::Good,
                Err(error) => {
                    tracing::debug!(%error, "the cloud did not answer the probe");
                    Probed::Bad
                }
            };
            if let Some(edge) = self.view.observe(probed, self.clock.now()) {
                self.tell(edge).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn tell(&self, edge: Edge) {
        let (kind, text) = match edge {
            Edge::WentOffline => ("connectivity.offline", "The cloud terminal does not answer: offline mode"),
            Edge::CameOnline => ("connectivity.online", "The cloud terminal answers again"),
        };
        metrics::counter!("everreach_connectivity_changes_total").increment(1);
        self.events.record(Event::new(self.clock.now(), kind, "cloud").with_data(json!({"endpoint": self.endpoint.as_str()})));
        if let Err(error) = self.notifier.notify(text).await {
            tracing::warn!(%error, "the notice was not delivered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bad_probes_keep_calls_away_and_three_good_ones_let_them_back() {
        let at = |second: i64| Timestamp::from_timestamp(1_790_000_000 + second, 0).expect("a time");
        let view = ConnectivityView::new(&RoutingConfig::default(), at(0));
        assert_eq!(view.observe(Probed::Bad, at(1)), None);
        assert_eq!(view.observe(Probed::Bad, at(2)), None);
        assert!(!view.is_offline());
        assert_eq!(view.observe(Probed::Bad, at(3)), Some(Edge::WentOffline));
        assert!(view.is_offline());
        assert_eq!(view.state().since, at(3));
        for second in 4..6 {
            assert_eq!(view.observe(Probed::Good, at(second)), None);
        }
        assert_eq!(view.observe(Probed::Good, at(6)), Some(Edge::CameOnline));
        assert!(!view.is_offline());
    }

    #[test]
    fn forced_offline_is_absolute() {
        let config = RoutingConfig { offline: true, ..RoutingConfig::default() };
        let now = Timestamp::from_timestamp(1_790_000_000, 0).expect("a time");
        let view = ConnectivityView::new(&config, now);
        for _ in 0..10 {
            let _edge = view.observe(Probed::Good, now);
        }
        assert!(view.is_offline());
    }
}
