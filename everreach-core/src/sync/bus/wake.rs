//! Waking those who wait for messages.

use std::sync::Arc;

use tokio::sync::watch;

use crate::store::{Listener, Store};

/// The channel of PostgreSQL on which other processes are told.
const CHANNEL: &str = "everreach_bus";

/// Tells those who wait: in this process, and through PostgreSQL or Redis in others.
#[derive(Debug, Clone)]
pub(super) struct Wake {
    changes: Arc<watch::Sender<u64>>,
}

impl Wake {
    pub(super) fn start(store: &Store) -> Self {
        let changes = Arc::new(watch::Sender::new(0));
        if let Some(listener) = store.listener(CHANNEL) {
            tokio::spawn(listen(listener, Arc::downgrade(&changes)));
        }
        Self { changes }
    }

    pub(super) fn tell(&self) {
        self.changes.send_modify(|change| *change += 1);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Passes on what other processes tell, until nobody of this one waits any more.
async fn listen(mut listener: Listener, changes: std::sync::Weak<watch::Sender<u64>>) {
    while listener.heard().await {
        let Some(changes) = changes.upgrade() else { return };
        changes.send_modify(|change| *change += 1);
    }
}
