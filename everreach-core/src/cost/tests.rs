use std::sync::Arc;

use super::{CostGuard, MemoryCostGuard, SqlCostGuard, conformance};
use crate::events::EventLog;
use crate::store::{Store, StoreConfig};

#[tokio::test]
async fn the_guard_in_memory_keeps_the_law() {
    let make = |config, clock| MemoryCostGuard::new(config, clock).expect("a guard");
    conformance::all(&move |config, clock| Box::pin(async move { Arc::new(make(config, clock)) as Arc<dyn CostGuard> })).await;
}

#[tokio::test]
async fn the_guard_on_sqlite_keeps_the_law() {
    conformance::all(&|config, clock| {
        Box::pin(async move {
            let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
            Arc::new(SqlCostGuard::new(store.clone(), config, clock, EventLog::start(store)).expect("a guard"))
                as Arc<dyn CostGuard>
        })
    })
    .await;
}
