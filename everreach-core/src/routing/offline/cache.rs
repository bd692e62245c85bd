//! The cache's handle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::store;
use crate::ledger::{Fingerprint, fingerprint};
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

/// The same answer is not written again within this time.
const REWRITE_AFTER: Duration = Duration::from_secs(60);
/// Answers whose last write is remembered.
const REMEMBERED: usize = 4_096;

/// A cheap-to-clone handle on `hybrid_cache`.
#[derive(Debug, Clone)]
pub struct OfflineCache {
    store: Store,
    clock: SharedClock,
    /// When which answer was last written, so that a busy read does not cost a write each time.
    written: Arc<Mutex<HashMap<Fingerprint, Duration>>>,
}

impl OfflineCache {
    /// The cache in this database.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock, written: Arc::default() }
    }

    /// Whether the answer to this question is due to be kept: it was not within the last minute.
    #[must_use]
    pub fn is_due(&self, action: &ActionName, params: &Params) -> bool {
        let (hash, now) = (fingerprint(action, params), self.clock.monotonic());
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&hash).is_some_and(|last| now.saturating_sub(*last) < REWRITE_AFTER) {
            return false;
        }
        if written.len() >= REMEMBERED {
            written.clear();
        }
        written.insert(hash, now);
        true
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn put(&self, action: &ActionName, params: &Params, result: Value) -> Result<()> {
        let (action, hash, now) = (action.clone(), fingerprint(action, params), self.clock.now());
        self.store
            .write(move |mut db| Box::pin(async move { store::put(&mut db, &action, hash.as_str(), &result, now).await }))
            .await
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
