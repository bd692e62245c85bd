//! How long messages stay.

mod store;

use std::time::Duration;

pub(super) use store::{counts, waiting};

use super::{OutboxBus, Retention};
use crate::{Event, Result};

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(60);

/// Removes what is kept long enough, until the bus stops.
pub(super) async fn keep(bus: OutboxBus) {
    loop {
        // A process that has just started has other things to do, and a short one need not do this at all.
        tokio::select! {
            () = bus.inner.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = tidy(&bus).await {
            tracing::warn!(%error, "old messages of the bus could not be removed");
        }
    }
}

/// One round. What goes without having been had by everybody is told.
async fn tidy(bus: &OutboxBus) -> Result<()> {
    let inner = &bus.inner;
    let (retention, now) = (inner.config.retention, inner.clock.now());
    let is_sent = inner.config.redis_url.is_some();
    bus.number_new().await?;
    let topics = store::topics(&mut inner.store.read().await?.db()).await?;
    for topic in topics {
        let name = topic.clone();
        let removed = inner
            .store
            .write(move |mut db| Box::pin(async move { store::remove(&mut db, &name, &retention, is_sent, now).await }));
        let dropped = removed.await?;
        if dropped > 0 {
            tracing::warn!(topic, dropped, "messages that somebody had not had were too old or too many, and are gone");
            let told = Event::new(now, "bus.dropped", &topic).with_data(serde_json::json!({ "messages": dropped }));
            inner.events.record(told);
        }
    }
    let oldest = now - retention.longest_age;
    inner.store.write(move |mut db| Box::pin(async move { store::forget(&mut db, oldest).await })).await
}

impl OutboxBus {
    /// Removes what is kept long enough, as it is done every minute.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self) -> Result<()> {
        tidy(self).await
    }
}

impl Retention {
    /// Other limits: kept for `age` and up to `count` per topic when everybody has had them, else up to the longer ones.
    ///
    /// ```
    /// use everreach_core::sync::bus::Retention;
    /// use std::time::Duration;
    /// let day = Duration::from_secs(86_400);
    /// let retention = Retention::limits(day, 1_000, day * 3, 10_000);
    /// assert_eq!(retention.most_count, 10_000);
    /// ```
    #[must_use]
    pub fn limits(age: Duration, count: u32, longest_age: Duration, most_count: u32) -> Self {
        Self { age, count, longest_age, most_count }
    }
}
