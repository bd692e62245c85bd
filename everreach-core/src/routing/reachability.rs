//! Whether the cloud is reachable: the shared view that decisions read, and the loop of probes that moves it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::connectivity::{Connectivity, Edge};
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
    /// Failed probes in a row.
    pub failures: u32,
}

/// The view that decisions read: one atomic load.
#[derive(Debug, Clone)]
pub struct ConnectivityView {
    is_offline: Arc<AtomicBool>,
    machine: Arc<Mutex<(Connectivity, Timestamp)>>,
}

impl ConnectivityView {
    /// Online until probes say otherwise; `is_forced_offline` is absolute.
    pub(crate) fn new(machine: Connectivity, now: Timestamp) -> Self {
        Self { is_offline: Arc::new(AtomicBool::new(machine.is_offline())), machine: Arc::new(Mutex::new((machine, now))) }
    }

    /// Whether calls are kept away from the cloud.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Relaxed)
    }

    /// What the probes know.
    #[must_use]
    pub fn state(&self) -> ConnectivityState {
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        ConnectivityState {
            online: !machine.0.is_offline(),
            offline_mode: machine.0.is_offline(),
            since: machine.1,
            failures: machine.0.failures(),
        }
    }

    fn observe(&self, is_good: bool, now: Timestamp) -> Option<Edge> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let edge = machine.0.observe(is_good);
        if edge.is_some() {
            machine.1 = now;
        }
        self.is_offline.store(machine.0.is_offline(), Ordering::Relaxed);
        edge
    }
}
