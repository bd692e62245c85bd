//! The job of a process that races others to the cap.

use std::sync::Arc;

use everreach_core::cost::{CostConfig, CostGuard, CostRequest, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{ErrorKind, MicroUsd, Timestamp};
use serde::{Deserialize, Serialize};

use super::child::{Report, report};
use super::clock;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) now: Timestamp,
    pub(crate) cap: MicroUsd,
    /// The price of each call; every third one costs half of it in the end, every seventh does not happen.
    pub(crate) price: MicroUsd,
    pub(crate) tasks: usize,
}

/// A guard as every process of the race has it.
pub(super) async fn guard(plan: &Plan) -> SqlCostGuard {
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    let mut config = CostConfig::default();
    (config.cap, config.soft_cap) = (plan.cap, plan.cap);
    SqlCostGuard::new(store.clone(), config, clock::from(plan.now), EventLog::start(store)).expect("a guard")
}

pub(super) async fn run(plan: Plan) {
    let guard = Arc::new(guard(&plan).await);
    report(&Report::Ready);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..plan.tasks {
        let (guard, price) = (Arc::clone(&guard), plan.price);
        tasks.spawn(async move { spend(&guard, price, task).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task panics");
    }
}

/// Holds and books until there is no room.
async fn spend(guard: &SqlCostGuard, price: MicroUsd, task: usize) {
    for number in task.. {
        let request = CostRequest::new("research.platform".parse().expect("a name"), price);
        let held = match guard.reserve(request).await {
            Ok(held) => held,
            Err(error) if error.kind() == ErrorKind::CostCapExceeded => return,
            Err(error) => return report(&Report::Failed(format!("reserve: {error:?}"))),
        };
        report(&Report::Reserved);
        let (booked, closed) = if number % 7 == 0 {
            (MicroUsd::ZERO, guard.release(&held).await)
        } else {
            let actual = if number % 3 == 0 { MicroUsd::from_micros(price.micros() / 2) } else { price };
            (actual, guard.settle(&held, actual).await)
        };
        if let Err(error) = closed {
            return report(&Report::Failed(format!("close: {error:?}")));
        }
        report(&Report::Settled(booked.micros()));
    }
}
