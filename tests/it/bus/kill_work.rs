//! The jobs of processes that publish, or subscribe, until they are killed.

use everreach_core::Id;
use everreach_core::store::{Db, Store, StoreConfig};
use everreach_core::sync::bus::{Delivery, NewMessage, OutboxBus, Subscription, SyncBus};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{over, start};
use crate::crash::child::{Report, report};
use crate::support::random::below;

pub(super) const TOPICS: [&str; 3] = ["crm", "jobs", "results"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) redis: String,
}

impl Plan {
    async fn bus(&self) -> OutboxBus {
        let store = Store::open(&StoreConfig::new(&self.url)).await.expect("the database opens");
        start(&store, over(&self.redis))
    }
}

/// Publishes numbered messages under a name of this life's own.
pub(crate) async fn publish(plan: Plan) {
    let bus = plan.bus().await;
    let writer = Id::new().to_string();
    let mut next = [0_u64; TOPICS.len()];
    report(&Report::Ready);
    loop {
        let which = usize::try_from(below(3)).expect("small");
        let numbers = next[which]..next[which] + 1 + below(3);
        let message = |number| NewMessage::new(TOPICS[which], json!({ "writer": writer, "number": number }));
        bus.publish_all(numbers.clone().map(message).collect()).await.expect("they are published");
        next[which] = numbers.end;
        report(&Report::Published(writer.clone(), TOPICS[which].to_owned(), numbers.end));
        tokio::time::sleep(std::time::Duration::from_millis(below(40))).await;
    }
}

/// Writes down what comes, each message once.
pub(crate) async fn subscribe(plan: Plan) {
    let bus = plan.bus().await;
    report(&Report::Ready);
    let readers = TOPICS.map(|topic| tokio::spawn(read(bus.clone(), Subscription::new("there", topic))));
    futures_util::future::try_join_all(readers).await.expect("no reader ends");
}

async fn read(bus: OutboxBus, subscription: Subscription) {
    loop {
        let deliveries = bus.receive(&subscription, 50, super::PATIENCE).await.expect("an answer");
        for delivery in deliveries {
            let noted = note(&bus, &delivery).await;
            if noted.is_err_and(|error| error.kind() == everreach_core::ErrorKind::Conflict) {
                break;
            }
        }
    }
}

async fn note(bus: &OutboxBus, delivery: &Delivery) -> everreach_core::Result<bool> {
    let payload = &delivery.message.payload;
    let writer = payload["writer"].as_str().expect("a writer").to_owned();
    let number = payload["number"].as_i64().expect("a number");
    let topic = delivery.message.topic.clone();
    bus.apply(delivery, move |db| {
        Box::pin(async move {
            let Db::Sqlite(connection) = db else { unreachable!("the subscriber has SQLite") };
            let insert = "INSERT INTO seen (writer, topic, number) VALUES ($1, $2, $3)";
            sqlx::query(insert).bind(writer).bind(topic).bind(number).execute(&mut **connection).await?;
            Ok(())
        })
    })
    .await
}
