//! Whether the cloud can be used: the shared view that decisions read.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

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
    standing: Arc<AtomicU8>,
    shown: Arc<Mutex<Shown>>,
    changes: Arc<watch::Sender<Reachability>>,
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
        let standing = Arc::new(AtomicU8::new(number(reachability)));
        let changes = Arc::new(watch::Sender::new(reachability));
        Self { standing, shown: Arc::new(Mutex::new(Shown { reachability, since: now })), changes }
    }

    /// Whether calls are kept away from the cloud.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.standing.load(Ordering::Relaxed) != number(Reachability::Online)
    }

    /// Whether the cloud counts as failed, so that everything runs here.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.standing.load(Ordering::Relaxed) == number(Reachability::Failed)
    }

    /// What the looks have found.
    #[must_use]
    pub fn state(&self) -> ConnectivityState {
        let Shown { reachability, since } = *self.lock();
        let online = reachability == Reachability::Online;
        let cloud_failed = reachability == Reachability::Failed;
        ConnectivityState { online, offline_mode: !online, cloud_failed, since }
    }

    /// A receiver that hears of every change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Reachability> {
        self.changes.subscribe()
    }

    /// From now on it stands so.
    pub(crate) fn show(&self, reachability: Reachability, now: Timestamp) {
        let mut shown = self.lock();
        if shown.reachability != reachability {
            *shown = Shown { reachability, since: now };
        }
        self.standing.store(number(reachability), Ordering::Relaxed);
        // Last: whoever is woken sees what has changed.
        let is_change = |shown: &mut Reachability| std::mem::replace(shown, reachability) != reachability;
        self.changes.send_if_modified(is_change);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn number(reachability: Reachability) -> u8 {
    match reachability {
        Reachability::Online => 0,
        Reachability::Offline => 1,
        Reachability::Failed => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_since_it_changed() {
        let at = |second: i64| Timestamp::from_timestamp(1_790_000_000 + second, 0).expect("a time");
        let view = ConnectivityView::new(Reachability::Online, at(0));
        let mut changes = view.subscribe();
        view.show(Reachability::Online, at(1));
        assert!(!changes.has_changed().expect("the view is there"), "nothing has changed");
        assert_eq!((view.is_offline(), view.state().since), (false, at(0)));
        view.show(Reachability::Offline, at(2));
        view.show(Reachability::Failed, at(3));
        let state = view.state();
        assert_eq!((state.online, state.offline_mode, state.cloud_failed, state.since), (false, true, true, at(3)));
        assert!(view.is_offline() && view.is_failed());
        assert_eq!(*changes.borrow_and_update(), Reachability::Failed);
    }
}
