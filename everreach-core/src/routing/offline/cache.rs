//! The cache's handle.

use std::time::Duration;

use serde_json::Value;

use super::store;
use crate::ledger::fingerprint;
use crate::routing::Params;
use crate::store::Store;
use crate::{ActionName, CachedResult, Result, SharedClock};

/// No answer older than this is called fresh, whatever its route says.
const FRESHEST: Duration = Duration::from_secs(3_600);

/// An answer from the cache.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CacheHit {
    /// Young enough to serve in place of the real thing.
    Fresh(CachedResult),
    /// Too old for that; shown beside the error.
    Stale(CachedResult),
}

/// A cheap-to-clone handle on `hybrid_cache`.
#[derive(Debug, Clone)]
pub struct OfflineCache {
    store: Store,
    clock: SharedClock,
}

impl OfflineCache {
    /// The cache in this database.
    #[must_use]
    pub const fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock }
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn put(&self, action: &ActionName, params: &Params, result: Value) -> Result<()> {
        let (action, hash, now) = (action.clone(), fingerprint(action, params), self.clock.now());
        self.store.write(move |mut db| Box::pin(async move { store::put(&mut db, &action, hash.as_str(), &result, now).await })).await
    }

    /// The kept answer to the same question; fresh when younger than `ttl` and an hour.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, action: &ActionName, params: &Params, ttl: Duration) -> Result<Option<CacheHit>> {
        let mut connection = self.store.read().await?;
        let found = store::get(&mut connection.db(), action, fingerprint(action, params).as_str()).await?;
        Ok(found.map(|(result, cached_at)| {
            let age = (self.clock.now() - cached_at).to_std().unwrap_or(Duration::ZERO);
            let cached = CachedResult::new(age.as_secs(), result);
            if age < ttl.min(FRESHEST) { CacheHit::Fresh(cached) } else { CacheHit::Stale(cached) }
        }))
    }
}
