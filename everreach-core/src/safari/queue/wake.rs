//! Waking those who wait for something to do.

use std::sync::{Arc, Once};

use tokio::sync::watch;

use crate::store::{Listener, Store};

/// The channel on which other processes are told.
const CHANNEL: &str = "everreach_safari";

/// Tells those who wait, in this process, and passes on what the database tells of others. It listens from the first who waits on.
#[derive(Debug, Clone)]
pub(super) struct Wake {
    changes: Arc<watch::Sender<u64>>,
    store: Store,
    listening: Arc<Once>,
}

impl Wake {
    pub(super) fn new(store: &Store) -> Self {
        Self { changes: Arc::new(watch::Sender::new(0)), store: store.clone(), listening: Arc::new(Once::new()) }
    }

    pub(super) fn tell(&self) {
        self.changes.send_modify(|change| *change += 1);
    }

    /// Must be called inside a Tokio runtime.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        let changes = self.changes.subscribe();
        self.listening.call_once(|| {
            if let Some(listener) = self.store.listener(CHANNEL) {
                tokio::spawn(listen(listener, Arc::downgrade(&self.changes)));
            }
        });
        changes
    }
}

/// Passes on what other processes tell, until nobody of this one waits any more.
async fn listen(mut listener: Listener, changes: std::sync::Weak<watch::Sender<u64>>) {
    while listener.heard().await {
        let Some(changes) = changes.upgrade() else { return };
        changes.send_modify(|change| *change += 1);
    }
}
