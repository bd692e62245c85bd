//! Whether the cloud can be used: the shared view that decisions read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::Reachability;
use crate::Timestamp;

/// What the looks at the cloud have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectivityState {
    /// Whether the cloud is taken to be reachable.
    pub online: bool,
    /// Whether calls are kept away from it.
    pub offline_mode: bool,
    /// Whether it counts as failed: away for so long that its work is taken over where that is safe.
    pub cloud_failed: bool,
    /// Since when.
    pub since: Timestamp,
}

/// The view that decisions read: one atomic load.
#[derive(Debug, Clone)]
pub struct ConnectivityView {
    is_offline: Arc<AtomicBool>,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    reachability: Reachability,
    since: Timestamp,
}

impl ConnectivityView {
    /// Shows this until something else is shown.
    #[must_use]
    pub(crate) fn new(reachability: Reachability, now: Timestamp) -> Self {
        let is_offline = Arc::new(AtomicBool::new(reachability != Reachability::Online));
        Self { is_offline, shown: Arc::new(Mutex::new(Shown { reachability, since: now })) }
    }

    /// Whether calls are kept away from the cloud.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.is_offline.load(Ordering::Relaxed)
    }

    /// What the looks have found.
    #[must_use]
    pub fn state(&self) -> ConnectivityState {
        let Shown { reachability, since } = *self.lock();
        let online = reachability == Reachability::Online;
        let cloud_failed = reachability == Reachability::Failed;
        ConnectivityState { online, offline_mode: !online, cloud_failed, since }
    }

    /// From now on it stands so.
    pub(crate) fn show(&self, reachability: Reachability, now: Timestamp) {
        let mut shown = self.lock();
        if shown.reachability != reachability {
            *shown = Shown { reachability, since: now };
        }
        self.is_offline.store(reachability != Reachability::Online, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_since_it_changed() {
        let at = |second: i64| Timestamp::from_timestamp(1_790_000_000 + second, 0).expect("a time");
        let view = ConnectivityView::new(Reachability::Online, at(0));
        view.show(Reachability::Online, at(1));
        assert_eq!((view.is_offline(), view.state().since), (false, at(0)));
        view.show(Reachability::Offline, at(2));
        view.show(Reachability::Failed, at(3));
        let state = view.state();
        assert_eq!((state.online, state.offline_mode, state.cloud_failed, state.since), (false, true, true, at(3)));
        assert!(view.is_offline());
    }
}
