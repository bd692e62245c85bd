//! Writing alerts down.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{Alert, store};
use crate::store::Store;
use crate::{Result, SharedClock};

/// A cheap-to-clone handle on the alerts of this database. [`raise`](Self::raise) writes one down, [`send_due`](Self::send_due) and
/// [`run`](Self::run) send what is due.
///
/// ```
/// # use everreach_core::{SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::notify::LogNotifier;
/// use everreach_core::safari::alert::{Alert, AlertOutbox};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let outbox = AlertOutbox::new(store, SystemClock::shared());
/// let slow = Alert::NoProgress { tries: 7, waiting: 3 };
/// assert!(outbox.raise(slow.clone()).await?);
/// assert!(!outbox.raise(slow).await?, "once an hour");
/// assert_eq!(outbox.send_due(&LogNotifier::default()).await?, 1);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct AlertOutbox {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) raised: Arc<Notify>,
}

impl AlertOutbox {
    /// The outbox in this database.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock, raised: Arc::default() }
    }

    /// Writes an alert down, to be sent; says whether its occasion is new.
    ///
    /// # Errors
    /// The store's.
    pub async fn raise(&self, alert: Alert) -> Result<bool> {
        let now = self.clock.now();
        let is_new = self.store.write(move |mut db| Box::pin(async move { store::insert(&mut db, &alert, now).await })).await?;
        if is_new {
            self.raised.notify_one();
        }
        Ok(is_new)
    }

    /// Tells those who send, after an alert was written in a transaction of somebody else.
    pub(in crate::safari) fn raised_within(&self) {
        self.raised.notify_one();
    }
}
