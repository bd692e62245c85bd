//! What every implementation of [`SyncBus`] must do, as checks that can be run on any of them. [`check`] runs every one.
//!
//! ```
//! use everreach_core::events::EventLog;
//! use everreach_core::store::{Store, StoreConfig};
//! use everreach_core::sync::bus::{OutboxBus, SyncBus};
//! use everreach_core::testing::sync_bus;
//! use std::sync::Arc;
//! # #[tokio::main]
//! # async fn main() -> everreach_core::Result<()> {
//! sync_bus::check(&|config, clock| {
//!     Box::pin(async move {
//!         let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
//!         let events = EventLog::start(store.clone());
//!         Ok(Arc::new(OutboxBus::start(store, clock, events, config)?) as Arc<dyn SyncBus>)
//!     })
//! })
//! .await
//! # }
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::law;
use crate::clock::ManualClock;
use crate::sync::bus::{BusConfig, Delivery, Failure, NewMessage, Start, Subscription, SyncBus};
use crate::{ErrorKind, Result, SharedClock, Timestamp};

/// Makes a bus without messages.
pub type MakeBus = dyn Fn(BusConfig, SharedClock) -> BoxFuture<'static, Result<Arc<dyn SyncBus>>> + Send + Sync;

const BREAKS: &str = "the bus breaks its law";
const TOPIC: &str = "conformance";
/// When the suite begins; any time would do.
const BEGIN: Timestamp = Timestamp::UNIX_EPOCH;

/// Runs every check, each over a bus of its own.
///
/// # Errors
/// The first law that does not hold, with what was seen; or whatever `make` fails with.
pub async fn check(make: &MakeBus) -> Result<()> {
    messages_come_in_order_to_every_subscription(make).await?;
    a_subscription_that_is_known_misses_nothing(make).await?;
    what_is_not_acknowledged_comes_again(make).await?;
    a_failed_message_holds_back_those_after_it(make).await?;
    a_message_that_fails_too_often_is_parked_and_can_be_replayed(make).await?;
    a_dedup_key_keeps_a_repeat_out(make).await?;
    messages_that_cannot_be_published_are_refused(make).await
}

/// A bus on a clock that can be moved, and the law that is looked at.
struct Bench {
    bus: Arc<dyn SyncBus>,
    clock: Arc<ManualClock>,
    config: BusConfig,
    law: &'static str,
}

fn reader(name: &str) -> Subscription {
    Subscription::new(name, TOPIC)
}

fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().filter_map(|delivery| delivery.message.payload.as_u64()).collect()
}

impl Bench {
    async fn new(make: &MakeBus, law: &'static str) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(BEGIN));
        let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
        let config = BusConfig { max_attempts: 3, ..BusConfig::default() };
        Ok(Self { bus: make(config.clone(), shared).await?, clock, config, law })
    }

    fn hold(&self, held: bool, seen: &dyn Debug) -> Result<()> {
        law::hold(held, BREAKS, self.law, seen)
    }

    async fn publish(&self, numbers: std::ops::Range<u64>) -> Result<()> {
        let messages = numbers.map(|number| NewMessage::new(TOPIC, number.into())).collect();
        law::granted(self.bus.publish_all(messages).await, BREAKS, self.law).map(drop)
    }

    async fn receive(&self, name: &str, max: u32) -> Result<Vec<Delivery>> {
        law::granted(self.bus.receive(&reader(name), max, Duration::ZERO).await, BREAKS, self.law)
    }

    /// Exactly these numbers come.
    async fn comes(&self, name: &str, max: u32, wanted: &[u64]) -> Result<Vec<Delivery>> {
        let deliveries = self.receive(name, max).await?;
        self.hold(numbers(&deliveries) == wanted, &(wanted, &deliveries))?;
        Ok(deliveries)
    }

    async fn ack(&self, delivery: &Delivery) -> Result<()> {
        law::granted(self.bus.ack(delivery).await, BREAKS, self.law)
    }

    async fn fail(&self, delivery: &Delivery) -> Result<Failure> {
        law::granted(self.bus.fail(delivery, "it broke").await, BREAKS, self.law)
    }
}

async fn messages_come_in_order_to_every_subscription(make: &MakeBus) -> Result<()> {
    let bench = Bench::new(make, "messages come in the order of publication, to every subscription, with their ids").await?;
    bench.publish(0..3).await?;
    bench.publish(3..5).await?;
    let first = bench.comes("one", 10, &[0, 1, 2, 3, 4]).await?;
    bench.ack(&first[4]).await?;
    bench.comes("one", 10, &[]).await?;
    let second = bench.comes("two", 2, &[0, 1]).await?;
    bench.hold(first[0].message.id == second[0].message.id, &(&first[0], &second[0]))?;
    bench.ack(&second[1]).await?;
    bench.comes("two", 10, &[2, 3, 4]).await.map(drop)
}

async fn a_subscription_that_is_known_misses_nothing(make: &MakeBus) -> Result<()> {
    let law = "a subscription that is known gets what is published from then on, and nothing any more once it is forgotten";
    let bench = Bench::new(make, law).await?;
    bench.publish(0..1).await?;
    let late = reader("one").starting(Start::Newest);
    law::granted(bench.bus.subscribe(&late).await, BREAKS, bench.law)?;
    bench.publish(1..2).await?;
    let first = bench.comes("one", 10, &[1]).await?;
    bench.ack(&first[0]).await?;
    let forgotten = law::granted(bench.bus.unsubscribe("one", TOPIC).await, BREAKS, bench.law)?;
    let again = law::granted(bench.bus.unsubscribe("one", TOPIC).await, BREAKS, bench.law)?;
    bench.hold(forgotten && !again, &(forgotten, again))?;
    bench.comes("one", 10, &[0, 1]).await.map(drop)
}

async fn what_is_not_acknowledged_comes_again(make: &MakeBus) -> Result<()> {
    let bench = Bench::new(make, "what was delivered and not acknowledged comes again, alone, with the same id").await?;
    bench.publish(0..3).await?;
    let first = bench.comes("one", 10, &[0, 1, 2]).await?;
    let again = bench.comes("one", 10, &[0]).await?;
    let is_told = again[0].attempt == 2 && again[0].message == first[0].message;
    bench.hold(is_told, &again)?;
    bench.ack(&again[0]).await?;
    let next = bench.comes("one", 10, &[1]).await?;
    bench.ack(&next[0]).await?;
    bench.comes("one", 10, &[2]).await.map(drop)
}

async fn a_failed_message_holds_back_those_after_it(make: &MakeBus) -> Result<()> {
    let law = "a message that failed holds back those after it until it is handled, and those before it are handled";
    let bench = Bench::new(make, law).await?;
    bench.publish(0..3).await?;
    let batch = bench.comes("one", 10, &[0, 1, 2]).await?;
    let failure = bench.fail(&batch[1]).await?;
    let Failure::RetryAt(at) = failure else { return bench.hold(false, &failure) };
    bench.hold(at == BEGIN + bench.config.first_backoff, &at)?;
    bench.comes("one", 10, &[]).await?;
    bench.comes("two", 10, &[0, 1, 2]).await?;
    bench.clock.advance(bench.config.first_backoff);
    let again = bench.comes("one", 10, &[1]).await?;
    bench.ack(&again[0]).await?;
    bench.comes("one", 10, &[2]).await.map(drop)
}

async fn a_message_that_fails_too_often_is_parked_and_can_be_replayed(make: &MakeBus) -> Result<()> {
    let law = "a message that fails too often is parked with its error, the next one follows, and a replay delivers it once more";
    let bench = Bench::new(make, law).await?;
    bench.publish(0..2).await?;
    for attempt in 1..=bench.config.max_attempts {
        bench.clock.advance(bench.config.longest_backoff);
        let batch = bench.receive("one", 10).await?;
        let first = batch.first().filter(|first| (first.attempt, &first.message.payload) == (attempt, &0.into()));
        let Some(first) = first else { return bench.hold(false, &batch) };
        let failure = bench.fail(first).await?;
        bench.hold((failure == Failure::Parked) == (attempt == bench.config.max_attempts), &failure)?;
    }
    let next = bench.comes("one", 10, &[1]).await?;
    bench.ack(&next[0]).await?;
    let parked = law::granted(bench.bus.parked(10).await, BREAKS, bench.law)?;
    let is_told = parked.len() == 1 && parked[0].error == "it broke" && parked[0].attempts == bench.config.max_attempts;
    bench.hold(is_told && parked[0].subscription == "one", &parked)?;
    let is_replayed = law::granted(bench.bus.replay("one", &parked[0].id).await, BREAKS, bench.law)?;
    bench.hold(is_replayed, &"there was nothing to replay")?;
    let again = bench.comes("one", 10, &[0]).await?;
    bench.ack(&again[0]).await?;
    let left = law::granted(bench.bus.parked(10).await, BREAKS, bench.law)?;
    bench.hold(left.is_empty(), &left)?;
    bench.comes("one", 10, &[]).await.map(drop)
}

async fn a_dedup_key_keeps_a_repeat_out(make: &MakeBus) -> Result<()> {
    let bench = Bench::new(make, "of two messages of a topic with the same key one is published, and both have its id").await?;
    let message = |number: u64| NewMessage::new(TOPIC, number.into()).with_dedup_key("once");
    let published = law::granted(bench.bus.publish_all(vec![message(1), message(2)]).await, BREAKS, bench.law)?;
    let later = law::granted(bench.bus.publish(message(3)).await, BREAKS, bench.law)?;
    let is_one = published.len() == 2 && published[0].is_new && !published[1].is_new && !later.is_new;
    bench.hold(is_one && published[0].id == published[1].id && published[0].id == later.id, &(&published, &later))?;
    bench.comes("one", 10, &[1]).await.map(drop)
}

async fn messages_that_cannot_be_published_are_refused(make: &MakeBus) -> Result<()> {
    let bench =
        Bench::new(make, "a message without a topic is refused with invalid_input, and nothing of its batch is kept").await?;
    let batch = vec![NewMessage::new(TOPIC, 1.into()), NewMessage::new("", 2.into())];
    law::refused(bench.bus.publish_all(batch).await, ErrorKind::InvalidInput, BREAKS, bench.law)?;
    bench.comes("one", 10, &[]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::events::EventLog;
    use crate::store::{Store, StoreConfig};
    use crate::sync::bus::{BusStatus, OutboxBus, ParkedMessage, Published};

    async fn outbox(config: BusConfig, clock: SharedClock) -> Result<OutboxBus> {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
        OutboxBus::start(store.clone(), clock, EventLog::start(store), config)
    }

    #[tokio::test]
    async fn the_outbox_keeps_the_law() {
        let make = |config, clock| -> BoxFuture<'static, _> {
            Box::pin(async move { Ok(Arc::new(outbox(config, clock).await?) as Arc<dyn SyncBus>) })
        };
        check(&make).await.expect("it keeps the law");
    }

    /// Takes what failed for handled.
    struct Forgetful(OutboxBus);

    #[async_trait]
    impl SyncBus for Forgetful {
        async fn publish_all(&self, messages: Vec<NewMessage>) -> Result<Vec<Published>> {
            self.0.publish_all(messages).await
        }
        async fn subscribe(&self, subscription: &Subscription) -> Result<()> {
            self.0.subscribe(subscription).await
        }
        async fn unsubscribe(&self, name: &str, topic: &str) -> Result<bool> {
            self.0.unsubscribe(name, topic).await
        }
        async fn receive(&self, subscription: &Subscription, max: u32, wait: Duration) -> Result<Vec<Delivery>> {
            self.0.receive(subscription, max, wait).await
        }
        async fn ack(&self, delivery: &Delivery) -> Result<()> {
            self.0.ack(delivery).await
        }
        async fn fail(&self, delivery: &Delivery, error: &str) -> Result<Failure> {
            let failure = self.0.fail(delivery, error).await?;
            self.0.ack(delivery).await?;
            Ok(failure)
        }
        async fn extend(&self, delivery: &Delivery) -> Result<()> {
            self.0.extend(delivery).await
        }
        async fn release(&self, subscription: &Subscription) -> Result<()> {
            self.0.release(subscription).await
        }
        async fn parked(&self, limit: u32) -> Result<Vec<ParkedMessage>> {
            self.0.parked(limit).await
        }
        async fn replay(&self, subscription: &str, id: &str) -> Result<bool> {
            self.0.replay(subscription, id).await
        }
        async fn status(&self) -> Result<BusStatus> {
            self.0.status().await
        }
    }

    #[tokio::test]
    async fn a_bus_that_goes_past_what_failed_is_found() {
        let make = |config, clock| -> BoxFuture<'static, _> {
            Box::pin(async move { Ok(Arc::new(Forgetful(outbox(config, clock).await?)) as Arc<dyn SyncBus>) })
        };
        let error = check(&make).await.expect_err("it forgets");
        assert_eq!(error.message(), BREAKS);
        assert!(error.to_string().contains("holds back those after it"), "{error}");
    }
}
