//! How long messages stay.

mod store;

use std::time::Duration;

pub(super) use store::{counts, waiting};

use super::{OutboxBus, Retention};
use crate::{Event, Result};

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(60);
/// Parked messages that are kept, of all subscriptions together.
const MOST_PARKED: u32 = 10_000;

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
    let parked =
        inner.store.write(move |mut db| Box::pin(async move { store::forget_parked(&mut db, oldest, MOST_PARKED).await }));
    let dropped = parked.await?;
    if dropped > 0 {
        tracing::warn!(dropped, "parked messages that nobody replayed were too old or too many, and are gone");
        inner.events.record(Event::new(now, "bus.dropped", "parked").with_data(serde_json::json!({ "messages": dropped })));
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::Executor as _;

    use super::super::{BusConfig, SyncBus};
    use super::*;
    use crate::Timestamp;
    use crate::clock::ManualClock;
    use crate::events::EventLog;
    use crate::store::{Store, StoreConfig, on_db};

    #[tokio::test(flavor = "multi_thread")]
    async fn parked_messages_that_nobody_replays_go_in_the_end_and_that_is_told() {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let events = EventLog::start(store.clone());
        let bus = OutboxBus::start(store.clone(), clock, events.clone(), BusConfig::default()).expect("a bus");
        for parked in [
            "INSERT INTO everreach_bus_parked (subscription, message_id, topic, payload_json, created_at, attempts, error, parked_at) \
             VALUES ('there', 'old', 'jobs', '1', '2026-10-01T12:00:00.000000Z', 5, 'no', '2026-10-20T12:00:00.000000Z')",
            "INSERT INTO everreach_bus_parked (subscription, message_id, topic, payload_json, created_at, attempts, error, parked_at) \
             VALUES ('there', 'new', 'jobs', '2', '2026-10-01T12:00:00.000000Z', 5, 'no', '2026-10-22T12:00:00.000000Z')",
        ] {
            let written = store
                .write(move |mut db| Box::pin(async move { Ok(on_db!(&mut db, conn => conn.execute(parked).await.map(drop))?) }));
            written.await.expect("written");
        }
        bus.prune().await.expect("a round");
        let left = bus.parked(10).await.expect("a list");
        assert_eq!(left.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["new"]);
        events.flush().await;
        let told = events.read_after(0, 100).await.expect("events");
        assert!(told.iter().any(|told| told.event.kind == "bus.dropped" && told.event.subject == "parked"), "{told:?}");
        let removed =
            store.write(|mut db| Box::pin(async move { store::forget_parked(&mut db, Timestamp::UNIX_EPOCH, 0).await }));
        assert_eq!(removed.await.expect("a round"), 1, "more than so many");
        bus.stop().await;
    }
}
