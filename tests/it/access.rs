//! Bearer keys, on both databases.

use everreach_core::access::{AccessKeys, Scope};
use everreach_core::events::EventLog;
use everreach_core::store::Store;
use everreach_core::{ErrorKind, Id, SystemClock};

use crate::support;

async fn a_life(store: Store) {
    let log = EventLog::start(store.clone());
    let keys = AccessKeys::new(store, SystemClock::shared(), log.clone());
    let ring = keys.ring().await.expect("a ring");
    assert!(ring.is_empty());
    let key = keys.create("deploy", "read,dispatch".parse().expect("scopes")).await.expect("a key");
    ring.refresh().await.expect("it is read");
    let identity = ring.verify(key.reveal()).expect("it is valid");
    assert!(identity.id == key.id && identity.scopes.allow(Scope::Read) && !identity.scopes.allow(Scope::Admin));
    assert!(ring.verify(&key.reveal().replace("er_", "er-")).is_none());

    let listed = keys.list().await.expect("a list");
    assert_eq!((listed.len(), listed[0].id, listed[0].revoked_at), (1, key.id, None));
    keys.revoke(key.id).await.expect("it is revoked");
    keys.revoke(key.id).await.expect("again changes nothing");
    assert_eq!(keys.revoke(Id::new()).await.expect_err("unknown").kind(), ErrorKind::NotFound);
    ring.refresh().await.expect("it is read");
    assert!(ring.is_empty() && ring.verify(key.reveal()).is_none());
    assert!(keys.list().await.expect("a list")[0].revoked_at.is_some());
    let told = log.read_after(0, 100).await.expect("events");
    assert_eq!(told.iter().map(|event| event.event.kind.as_ref()).collect::<Vec<_>>(), ["key.created", "key.revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_is_revoked_on_sqlite() {
    a_life(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_is_revoked_on_postgres() {
    a_life(support::store::postgres().await).await;
}
