//! The cost guard over both databases.

mod books;
mod foreign;
mod notices;
mod reconcile;

use std::sync::{Arc, Mutex};

use everreach_core::cost::{CostConfig, CostGuard, CostRequest, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::notify::Notifier;
use everreach_core::store::Store;
use everreach_core::testing::{ManualClock, cost_guard};
use everreach_core::{MicroUsd, SharedClock, Timestamp};

use crate::support::store;

fn usd(text: &str) -> MicroUsd {
    text.parse().expect("an amount")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn request(amount: &str) -> CostRequest {
    CostRequest::new("research.platform".parse().expect("a name"), usd(amount))
}

/// One dollar in all, ninety cents until the soft cap.
fn small() -> CostConfig {
    let mut config = CostConfig::default();
    (config.cap, config.soft_cap) = (usd("1"), usd("0.9"));
    config
}

fn guard_at(store: &Store, config: CostConfig, now: &str) -> (SqlCostGuard, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(at(now)));
    let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
    (SqlCostGuard::new(store.clone(), config, shared, EventLog::start(store.clone())).expect("a guard"), clock)
}

fn guard(store: &Store) -> SqlCostGuard {
    guard_at(store, small(), "2026-11-20T12:00:00Z").0
}

async fn spend(guard: &SqlCostGuard, amount: &str) {
    let held = guard.reserve(request(amount)).await.expect("there is room");
    guard.settle(&held, held.amount).await.expect("it is booked");
}

/// Keeps what it is told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn beginnings(&self) -> Vec<String> {
        let told = self.0.lock().expect("nobody panicked");
        told.iter().map(|message| message.split(':').next().unwrap_or_default().to_owned()).collect()
    }
}

#[async_trait::async_trait]
impl Notifier for Told {
    async fn notify(&self, message: &str) -> everreach_core::Result<()> {
        self.0.lock().expect("nobody panicked").push(message.to_owned());
        Ok(())
    }
}

async fn conforms(open: fn() -> futures_util::future::BoxFuture<'static, Store>) {
    cost_guard::check(&move |config, clock| {
        Box::pin(async move {
            let store = open().await;
            let guard = SqlCostGuard::new(store.clone(), config, clock, EventLog::start(store))?;
            Ok(Arc::new(guard) as Arc<dyn CostGuard>)
        })
    })
    .await
    .expect("the law");
}

#[tokio::test]
async fn the_guard_on_sqlite_keeps_the_law() {
    conforms(|| Box::pin(store::sqlite())).await;
}

#[tokio::test]
async fn the_guard_on_postgres_keeps_the_law() {
    conforms(|| Box::pin(store::postgres())).await;
}
