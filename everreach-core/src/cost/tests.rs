use std::sync::Arc;

use super::{CostGuard, MemoryCostGuard, SqlCostGuard};
use crate::events::EventLog;
use crate::store::{Store, StoreConfig};
use crate::testing::cost_guard;

#[tokio::test]
async fn the_guard_in_memory_keeps_the_law() {
    let make = |config, clock| Ok(Arc::new(MemoryCostGuard::new(config, clock)?) as Arc<dyn CostGuard>);
    cost_guard::check(&move |config, clock| Box::pin(async move { make(config, clock) })).await.expect("the law");
}

#[tokio::test]
async fn the_guard_on_sqlite_keeps_the_law() {
    cost_guard::check(&|config, clock| {
        Box::pin(async move {
            let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
            let guard = SqlCostGuard::new(store.clone(), config, clock, EventLog::start(store))?;
            Ok(Arc::new(guard) as Arc<dyn CostGuard>)
        })
    })
    .await
    .expect("the law");
}
