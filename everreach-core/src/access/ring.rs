//! The valid keys in memory.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Scopes, store, text};
use crate::store::Store;
use crate::{Error, ErrorKind, Id, Result};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const NOBODY: u64 = u64::MAX;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyIdentity {
    /// The key's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// A valid key's hash and whose it is.
#[derive(Clone)]
pub(super) struct RingEntry {
    hash: [u8; 32],
    identity: KeyIdentity,
}

impl RingEntry {
    pub(super) fn new(id: Id, name: String, scopes: Scopes, hash_hex: &str) -> Result<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(hash_hex, &mut hash).map_err(|source| {
            Error::new(ErrorKind::Store, "the hash of a key is damaged: revoke it and make another")
                .with("key", id)
                .with_source(source)
        })?;
        Ok(Self { hash, identity: KeyIdentity { id, name, scopes } })
    }
}

impl std::fmt::Debug for RingEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RingEntry").field(&self.identity).finish()
    }
}

/// A cheap-to-clone snapshot of the valid keys. See [`AccessKeys::ring`](super::AccessKeys::ring).
#[derive(Debug, Clone)]
pub struct KeyRing {
    store: Store,
    entries: Arc<ArcSwap<Vec<RingEntry>>>,
}

impl KeyRing {
    pub(super) async fn load(store: Store) -> Result<Self> {
        let ring = Self { store, entries: Arc::default() };
        ring.refresh().await?;
        Ok(ring)
    }

    /// Reads the keys afresh.
    ///
    /// # Errors
    /// The store's; the snapshot then stays as it was.
    pub async fn refresh(&self) -> Result<()> {
        let mut connection = self.store.read().await?;
        let entries = store::valid(&mut connection.db()).await?;
        self.entries.store(Arc::new(entries));
        Ok(())
    }

    /// Reads the keys afresh twice a second until told to end. While the database cannot be read, the last snapshot stays.
    pub async fn watch(&self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut could_read = true;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let read = self.refresh().await;
            if let Err(error) = &read
                && could_read
            {
                tracing::warn!(%error, "the keys cannot be read: those known so far stay valid");
            }
            could_read = read.is_ok();
        }
    }

    /// Whose key this is, if it is valid. Every stored key is compared, each in constant time.
    #[must_use]
    pub fn verify(&self, presented: &str) -> Option<KeyIdentity> {
        let entries = self.entries.load();
        let found = position(&entries, &text::hash(presented));
        usize::try_from(found).ok().and_then(|index| entries.get(index)).map(|entry| entry.identity.clone())
    }

    /// Whether the text has the form of a key of ours and its checksum is right: tells a cut or mistyped key from a foreign one.
    #[must_use]
    pub fn is_well_formed(presented: &str) -> bool {
        text::is_well_formed(presented)
    }

    /// Whether there is no valid key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.load().is_empty()
    }
}

/// The place of the hash, found without a branch that depends on it.
fn position(entries: &[RingEntry], hash: &[u8; 32]) -> u64 {
    let mut found = NOBODY;
    for (index, entry) in (0_u64..).zip(entries) {
        let is_same: Choice = entry.hash.ct_eq(hash);
        found = u64::conditional_select(&found, &index, is_same);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, key: &str) -> RingEntry {
        RingEntry::new(Id::new(), name.to_owned(), Scopes::ADMIN, &hex::encode(text::hash(key))).expect("an entry")
    }

    #[test]
    fn the_right_entry_is_found_wherever_it_stands() {
        let entries: Vec<_> = ["a", "b", "c"].map(|key| entry(key, key)).into();
        for (index, key) in (0_u64..).zip(["a", "b", "c"]) {
            assert_eq!(position(&entries, &text::hash(key)), index);
        }
        assert_eq!(position(&entries, &text::hash("d")), NOBODY);
        assert_eq!(position(&[], &text::hash("a")), NOBODY);
    }

    #[test]
    fn a_damaged_hash_opens_nothing() {
        for hash in ["", "zz", "00"] {
            assert!(RingEntry::new(Id::new(), "k".to_owned(), Scopes::ADMIN, hash).is_err());
        }
    }

    #[test]
    fn an_entry_does_not_print_its_hash() {
        let entry = entry("a", "secret");
        assert!(!format!("{entry:?}").contains(&hex::encode(text::hash("secret"))[..8]));
    }
}
