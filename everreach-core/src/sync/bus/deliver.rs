//! Giving messages to subscriptions, and hearing what became of them.

use std::time::Duration;

use async_trait::async_trait;

use super::cursor::{self, Deferred, Offer};
use super::log::{self, Entry};
use super::{
    BusStatus, Delivery, Failure, Message, NewMessage, OutboxBus, ParkedMessage, Published, Subscription, SyncBus, status,
};
use crate::lease::{Authority, Lease, holds};
use crate::store::Db;
use crate::{Error, ErrorKind, Result, Timestamp};

/// Most messages in one batch.
const MOST: u32 = 1_000;

pub(super) fn taken_over() -> Error {
    Error::new(ErrorKind::Conflict, "another process reads for this subscription by now: it gets the message again")
}

/// What a look for messages brought.
enum Look {
    Found(Vec<Delivery>),
    /// The cursor moved or something was parked: look again at once.
    Again,
    /// Nothing before this time, if it is known.
    Nothing(Option<Timestamp>),
}

#[async_trait]
impl SyncBus for OutboxBus {
    async fn publish_all(&self, messages: Vec<NewMessage>) -> Result<Vec<Published>> {
        self.append(messages).await
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<()> {
        self.register(subscription).await
    }

    async fn unsubscribe(&self, name: &str, topic: &str) -> Result<bool> {
        self.forget(name, topic).await
    }

    async fn receive(&self, subscription: &Subscription, max: u32, wait: Duration) -> Result<Vec<Delivery>> {
        self.register(subscription).await?;
        let inner = &self.inner;
        let deadline = inner.clock.monotonic() + wait;
        let mut changes = inner.wake.subscribe();
        while !inner.stopping.is_cancelled() {
            changes.borrow_and_update();
            let until = match self.look(subscription, max.clamp(1, MOST)).await? {
                Look::Found(deliveries) => return Ok(deliveries),
                Look::Again => continue,
                Look::Nothing(until) => until,
            };
            let left = deadline.saturating_sub(inner.clock.monotonic());
            let until = until.and_then(|until| (until - inner.clock.now()).to_std().ok());
            let pause = left.min(inner.config.interval).min(until.unwrap_or(Duration::MAX));
            if left.is_zero() {
                break;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = inner.stopping.cancelled() => {}
            }
        }
        Ok(Vec::new())
    }

    async fn ack(&self, delivery: &Delivery) -> Result<()> {
        let now = self.inner.clock.now();
        let acknowledged = delivery.clone();
        self.under_lease(delivery, move |db| Box::pin(async move { acknowledge(db, &acknowledged, now).await })).await
    }

    async fn fail(&self, delivery: &Delivery, error: &str) -> Result<Failure> {
        let (now, failed, error, config) =
            (self.inner.clock.now(), delivery.clone(), error.to_owned(), self.inner.config.clone());
        let parks = self.under_lease(delivery, move |db| {
            Box::pin(async move {
                let (name, topic) = (failed.subscription.as_str(), failed.message.topic.as_str());
                let Some(seq) = failed.place else {
                    cursor::park_again(db, name, &failed.message.id, &error, now).await?;
                    return Ok(Failure::Parked);
                };
                let next_at = config.retry_at(failed.attempt, now);
                let deferred = Deferred { subscription: name, topic, seq, next_at, error: &error };
                let Some(attempts) = cursor::defer(db, &deferred, now).await? else { return Ok(Failure::Parked) };
                if attempts < config.max_attempts {
                    return Ok(Failure::RetryAt(next_at));
                }
                for entry in log::read(db, topic, seq - 1, 1).await?.iter().filter(|entry| entry.seq == seq) {
                    cursor::park(db, &Subscription::new(name, topic), entry, (attempts, &error), now).await?;
                }
                cursor::acknowledge(db, name, topic, seq, now).await?;
                Ok(Failure::Parked)
            })
        });
        let failure = parks.await?;
        if failure == Failure::Parked {
            self.tell_parked(&delivery.subscription, &delivery.message.topic, &delivery.message.id);
        }
        Ok(failure)
    }

    async fn extend(&self, delivery: &Delivery) -> Result<()> {
        let held = self.held(delivery)?;
        let subscription = Subscription::new(&delivery.subscription, &delivery.message.topic);
        match self.hold(&subscription).await? {
            Some(lease) if lease.epoch() == held.epoch() => Ok(()),
            _ => Err(taken_over()),
        }
    }

    async fn release(&self, subscription: &Subscription) -> Result<()> {
        self.let_go(subscription).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<ParkedMessage>> {
        let mut connection = self.inner.store.read().await?;
        cursor::parked(&mut connection.db(), limit).await
    }

    async fn replay(&self, subscription: &str, id: &str) -> Result<bool> {
        let (subscription, id, now) = (subscription.to_owned(), id.to_owned(), self.inner.clock.now());
        let replayed =
            self.inner.store.write(move |mut db| Box::pin(async move { cursor::replay(&mut db, &subscription, &id, now).await }));
        let is_there = replayed.await?;
        self.inner.wake.tell();
        Ok(is_there)
    }

    async fn status(&self) -> Result<BusStatus> {
        let redis = self.inner.redis.borrow().clone();
        let mut connection = self.inner.store.read().await?;
        status::read(&mut connection.db(), redis).await
    }
}

/// In the caller's transaction: the delivery and those before it are handled.
pub(super) async fn acknowledge(db: &mut Db<'_>, delivery: &Delivery, now: Timestamp) -> Result<()> {
    match delivery.place {
        Some(seq) => cursor::acknowledge(db, &delivery.subscription, &delivery.message.topic, seq, now).await,
        None => cursor::drop_replayed(db, &delivery.subscription, &delivery.message.id).await,
    }
}

impl OutboxBus {
    async fn look(&self, subscription: &Subscription, max: u32) -> Result<Look> {
        let Some(lease) = self.hold(subscription).await? else { return Ok(Look::Nothing(None)) };
        self.number_new().await?;
        let (cursor, entries, replayed) = {
            let mut connection = self.inner.store.read().await?;
            let mut db = connection.db();
            let Some(cursor) = cursor::look(&mut db, &subscription.name, &subscription.topic).await? else {
                return Err(Error::new(ErrorKind::NotFound, "the subscription was removed while it was read")
                    .with("subscription", &subscription.name));
            };
            let entries = log::read(&mut db, &subscription.topic, cursor.position, max).await?;
            (cursor, entries, cursor::next_replay(&mut db, subscription).await?)
        };
        if let Some((id, payload, created_at, attempts)) = replayed {
            let entry = Entry { seq: 0, id, payload, created_at };
            return self.deliver_replayed(subscription, entry, attempts).await;
        }
        let now = self.inner.clock.now();
        let numbers: Vec<i64> = entries.iter().map(|entry| entry.seq).collect();
        match cursor::offer(&cursor, &numbers, self.inner.config.max_attempts, now) {
            Offer::Nothing => Ok(Look::Nothing(None)),
            Offer::Wait(until) => Ok(Look::Nothing(Some(until))),
            Offer::Park { attempts, error } => self.give_up(subscription, entries, attempts, error).await,
            Offer::Deliver(count, next) => {
                let mut deliveries = Vec::with_capacity(count);
                for entry in entries.iter().take(count) {
                    let Ok(payload) = serde_json::from_str(&entry.payload) else { break };
                    let message = Message::new(&entry.id, &subscription.topic, payload, entry.created_at);
                    let attempt = if entry.seq == next.head { next.attempts } else { 1 };
                    deliveries.push(Delivery::new(message, &subscription.name, attempt, Some(entry.seq)));
                }
                if deliveries.is_empty() {
                    return self.give_up(subscription, entries, 1, "the payload is not JSON".to_owned()).await;
                }
                let (named, authority) = (subscription.clone(), Authority::Lease(lease));
                let saved = self.inner.store.write(move |mut db| {
                    Box::pin(async move { Ok(holds(&mut db, &authority).await? && cursor::save(&mut db, &named, &next).await?) })
                });
                Ok(if saved.await? { Look::Found(deliveries) } else { Look::Again })
            }
        }
    }

    async fn deliver_replayed(&self, subscription: &Subscription, entry: Entry, attempts: u32) -> Result<Look> {
        match serde_json::from_str(&entry.payload) {
            Ok(payload) => {
                let message = Message::new(entry.id, &subscription.topic, payload, entry.created_at);
                Ok(Look::Found(vec![Delivery::new(message, &subscription.name, attempts + 1, None)]))
            }
            Err(_) => {
                let (name, now) = (subscription.name.clone(), self.inner.clock.now());
                let parked = self.inner.store.write(move |mut db| {
                    Box::pin(async move { cursor::park_again(&mut db, &name, &entry.id, "the payload is not JSON", now).await })
                });
                parked.await?;
                Ok(Look::Again)
            }
        }
    }

    /// Parks the first of these messages and goes past it.
    async fn give_up(&self, subscription: &Subscription, entries: Vec<Entry>, attempts: u32, error: String) -> Result<Look> {
        let Some(entry) = entries.into_iter().next() else { return Ok(Look::Again) };
        let Some(lease) = self.hold(subscription).await? else { return Ok(Look::Again) };
        let (named, now, id) = (subscription.clone(), self.inner.clock.now(), entry.id.clone());
        let parked = self.inner.store.write(move |mut db| {
            Box::pin(async move {
                if !holds(&mut db, &Authority::Lease(lease)).await? {
                    return Ok(false);
                }
                cursor::park(&mut db, &named, &entry, (attempts, &error), now).await?;
                cursor::acknowledge(&mut db, &named.name, &named.topic, entry.seq, now).await?;
                Ok(true)
            })
        });
        if parked.await? {
            self.tell_parked(&subscription.name, &subscription.topic, &id);
        }
        Ok(Look::Again)
    }

    fn tell_parked(&self, subscription: &str, topic: &str, id: &str) {
        tracing::warn!(subscription, topic, id, "a message is parked: look at it and replay it");
        let told = crate::Event::new(self.inner.clock.now(), "bus.parked", id);
        self.inner.events.record(told.with_data(serde_json::json!({ "subscription": subscription, "topic": topic })));
    }

    /// Writes under the lease with which something was delivered.
    async fn under_lease<T, F>(&self, delivery: &Delivery, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Db<'_>) -> futures_util::future::BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let lease: Lease = self.held(delivery)?;
        let written = self.inner.store.write(move |mut db| {
            Box::pin(async move {
                if !holds(&mut db, &Authority::Lease(lease)).await? {
                    return Ok(None);
                }
                work(&mut db).await.map(Some)
            })
        });
        written.await?.ok_or_else(taken_over)
    }
}
