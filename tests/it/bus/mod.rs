//! The bus: in a database, between processes, and over a Redis that comes and goes.

mod carrier;
mod delivery;
pub(crate) mod kill_work;
mod kills;
mod log;

use std::time::Duration;

use everreach_core::SystemClock;
use everreach_core::events::EventLog;
use everreach_core::lease::LeaseTiming;
use everreach_core::store::Store;
use everreach_core::sync::bus::{BusConfig, Delivery, NewMessage, OutboxBus, Subscription, SyncBus};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that do not make a test wait.
fn quick() -> BusConfig {
    let mut config = BusConfig::default();
    config.interval = Duration::from_millis(100);
    config.first_backoff = Duration::from_millis(20);
    config.longest_backoff = Duration::from_millis(100);
    config.lease = LeaseTiming {
        ttl: Duration::from_millis(1_200),
        renew_every: Duration::from_millis(300),
        act_for: Duration::from_millis(900),
    };
    config
}

fn over(url: &str) -> BusConfig {
    let mut config = quick();
    config.redis_url = Some(url.into());
    config
}

fn start(store: &Store, config: BusConfig) -> OutboxBus {
    OutboxBus::start(store.clone(), SystemClock::shared(), EventLog::start(store.clone()), config).expect("a bus")
}

async fn publish(bus: &OutboxBus, topic: &str, numbers: std::ops::Range<u64>) {
    let messages = numbers.map(|number| NewMessage::new(topic, number.into())).collect();
    bus.publish_all(messages).await.expect("they are published");
}

fn number_of(delivery: &Delivery) -> u64 {
    delivery.message.payload.as_u64().expect("a number")
}

/// Receives and acknowledges until so many have come.
async fn take(bus: &OutboxBus, subscription: &Subscription, count: usize) -> Vec<u64> {
    let taking = async {
        let mut taken = Vec::new();
        while taken.len() < count {
            let deliveries = bus.receive(subscription, 100, Duration::from_secs(1)).await.expect("an answer");
            if let Some(last) = deliveries.last() {
                bus.ack(last).await.expect("it is acknowledged");
            }
            taken.extend(deliveries.iter().map(number_of));
        }
        taken
    };
    tokio::time::timeout(PATIENCE, taking).await.expect("they come in time")
}
