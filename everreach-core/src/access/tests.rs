use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{AccessKeys, Scope, Scopes};
use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::store::{Store, StoreConfig, on_db};
use crate::{ErrorKind, Id};

async fn bench() -> (AccessKeys, Store, EventLog) {
    let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
    let log = EventLog::start(store.clone());
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    (AccessKeys::new(store.clone(), clock, log.clone()), store, log)
}

fn scopes(text: &str) -> Scopes {
    text.parse().expect("scopes")
}

#[tokio::test]
async fn a_key_opens_until_it_is_revoked() {
    let (keys, _store, log) = bench().await;
    let ring = keys.ring().await.expect("a ring");
    assert!(ring.is_empty());
    let key = keys.create(" deploy ", scopes("read,dispatch")).await.expect("a key");
    let other = keys.create("other", Scopes::ADMIN).await.expect("a key");
    assert!(ring.verify(key.reveal()).is_none(), "the snapshot is from before");
    ring.refresh().await.expect("it is read");
    let identity = ring.verify(key.reveal()).expect("it is valid");
    assert_eq!((identity.id, identity.name.as_str()), (key.id, "deploy"));
    assert!(identity.scopes.allow(Scope::Dispatch) && !identity.scopes.allow(Scope::Admin));

    assert!(keys.revoke(key.id).await.expect("it is revoked").revoked_at.is_some());
    keys.revoke(key.id).await.expect("revoking again changes nothing");
    ring.refresh().await.expect("it is read");
    assert!(ring.verify(key.reveal()).is_none());
    assert_eq!(ring.verify(other.reveal()).map(|identity| identity.id), Some(other.id));
    let kinds: Vec<_> = log.read_after(0, 10).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    assert_eq!(kinds, ["key.created", "key.created", "key.revoked"]);
}

#[tokio::test]
async fn the_text_of_a_key_is_nowhere_but_in_the_answer() {
    let (keys, store, log) = bench().await;
    let key = keys.create("deploy", Scopes::ADMIN).await.expect("a key");
    assert!(!format!("{key:?}").contains(key.reveal()));
    let mut connection = store.read().await.expect("a connection");
    let hash: String =
        on_db!(&mut connection.db(), conn => sqlx::query_scalar("SELECT hash FROM everreach_keys").fetch_one(conn).await)
            .expect("a hash");
    assert_eq!(hash.len(), 64);
    let told = format!("{:?}", log.read_after(0, 10).await.expect("events"));
    assert!(!told.contains(key.reveal()) && !told.contains(&hash), "{told}");
}

#[tokio::test]
async fn near_misses_open_nothing() {
    let (keys, ..) = bench().await;
    let key = keys.create("deploy", Scopes::ADMIN).await.expect("a key");
    let ring = keys.ring().await.expect("a ring");
    let text = key.reveal();
    for wrong in [&text[1..], &text[..text.len() - 1], &format!("{text} "), &text.to_lowercase(), ""] {
        assert!(ring.verify(wrong).is_none(), "{wrong:?}");
    }
}

#[tokio::test]
async fn names_without_content_and_ids_that_nobody_has_are_refused() {
    let (keys, ..) = bench().await;
    for name in ["", "  ", "two\nlines", &"n".repeat(65)] {
        assert_eq!(keys.create(name, Scopes::ADMIN).await.expect_err(name).kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(keys.revoke(Id::new()).await.expect_err("unknown").kind(), ErrorKind::NotFound);
    assert!(keys.list().await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_watched_ring_learns_of_new_keys_and_keeps_them_while_the_database_is_away() {
    let (keys, store, _log) = bench().await;
    let ring = keys.ring().await.expect("a ring");
    let cancel = CancellationToken::new();
    let watcher = tokio::spawn({
        let (ring, cancel) = (ring.clone(), cancel.clone());
        async move { ring.watch(cancel).await }
    });
    let key = keys.create("deploy", Scopes::ADMIN).await.expect("a key");
    let learned = tokio::time::timeout(Duration::from_secs(60), async {
        while ring.verify(key.reveal()).is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    learned.await.expect("it learns of the key");
    store.close().await;
    assert!(ring.refresh().await.is_err());
    assert!(ring.verify(key.reveal()).is_some());
    cancel.cancel();
    watcher.await.expect("it ends when told");
}
