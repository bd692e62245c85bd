//! Making, listing and revoking keys.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{KeyRing, Scopes, store, text};
use crate::events::{self, EventLog};
use crate::store::Store;
use crate::{Error, ErrorKind, Event, Id, Result, SharedClock, Timestamp};

const MAX_NAME: usize = 64;

/// A key as it is kept: without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccessKey {
    /// Its id, for revoking it.
    pub id: Id,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl AccessKey {
    pub(super) const fn new(id: Id, name: String, scopes: Scopes, created_at: Timestamp) -> Self {
        Self { id, name, scopes, created_at, revoked_at: None }
    }
}

/// A key that was just made: the one time that its text can be seen.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewKey {
    /// Its id, for revoking it.
    pub id: Id,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The key itself.
    pub key: SecretString,
}

impl NewKey {
    /// The text to show, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.key.expose_secret()
    }
}

/// A cheap-to-clone handle on the stored keys.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::access::AccessKeys;
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// let keys = AccessKeys::new(store, SystemClock::shared(), events);
/// let key = keys.create("deploy script", "read,dispatch".parse()?).await?;
/// let ring = keys.ring().await?;
/// assert_eq!(ring.verify(key.reveal()).expect("it is valid").name, "deploy script");
/// assert!(ring.verify("er_guess").is_none());
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct AccessKeys {
    store: Store,
    clock: SharedClock,
    events: EventLog,
}

impl AccessKeys {
    /// The keys of this database.
    #[must_use]
    pub const fn new(store: Store, clock: SharedClock, events: EventLog) -> Self {
        Self { store, clock, events }
    }

    /// Makes a key. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that is empty, longer than 64 characters or holds control characters, or the store's.
    pub async fn create(&self, name: &str, scopes: Scopes) -> Result<NewKey> {
        let name = check_name(name)?;
        let key = text::generate()?;
        let hash = text::hash_hex(&key);
        let stored = AccessKey::new(Id::new(), name, scopes, self.clock.now());
        let new = NewKey { id: stored.id, name: stored.name.clone(), scopes, key };
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    store::insert(&mut db, &stored, &hash).await?;
                    events::append(&mut db, &event("key.created", &stored, stored.created_at)).await
                })
            })
            .await?;
        self.events.announce();
        Ok(new)
    }

    /// Every key, oldest first, revoked ones included.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<Vec<AccessKey>> {
        let mut connection = self.store.read().await?;
        store::list(&mut connection.db()).await
    }

    /// Makes a key open nothing any more. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an id that is not known, or the store's.
    pub async fn revoke(&self, id: Id) -> Result<AccessKey> {
        let now = self.clock.now();
        let key = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let was_valid = store::revoke(&mut db, id, now).await?;
                    let Some(key) = store::find(&mut db, id).await? else {
                        return Err(Error::new(ErrorKind::NotFound, "no key has this id: list the keys").with("id", id));
                    };
                    if was_valid {
                        events::append(&mut db, &event("key.revoked", &key, now)).await?;
                    }
                    Ok(key)
                })
            })
            .await?;
        self.events.announce();
        Ok(key)
    }

    /// The valid keys, in memory, for checking requests.
    ///
    /// # Errors
    /// The store's.
    pub async fn ring(&self) -> Result<KeyRing> {
        KeyRing::load(self.store.clone()).await
    }
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidInput, "a key's name has 1 to 64 characters on one line")
            .with("seen", name.escape_debug()));
    }
    Ok(name.to_owned())
}

fn event(kind: &'static str, key: &AccessKey, now: Timestamp) -> Event {
    Event::new(now, kind, key.id.to_string()).with_data(serde_json::json!({"name": key.name, "scopes": key.scopes}))
}
