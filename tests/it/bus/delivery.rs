//! Subscriptions, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::store::Store;
use everreach_core::sync::bus::{Delivery, Handler, NewMessage, OutboxBus, Start, Subscriber, Subscription, SyncBus};
use everreach_core::testing::sync_bus;
use everreach_core::{Error, ErrorKind};
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::{number_of, publish, quick, start, take};
use crate::support::store::{execute, number, postgres, postgres_url, sqlite};

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_keeps_its_law_on_postgres() {
    let make = |config, clock| -> BoxFuture<'static, _> {
        Box::pin(async move {
            let store = postgres().await;
            Ok(Arc::new(OutboxBus::start(store.clone(), clock, EventLog::start(store), config)?) as Arc<dyn SyncBus>)
        })
    };
    sync_bus::check(&make).await.expect("it keeps the law");
}

async fn one_of_two_processes_reads_and_the_other_takes_over(one: Store, other: Store) {
    let (first, second) = (start(&one, quick()), start(&other, quick()));
    let reader = Subscription::new("workers", "jobs");
    publish(&first, "jobs", 0..10).await;
    let batch = first.receive(&reader, 4, Duration::ZERO).await.expect("an answer");
    assert_eq!(batch.iter().map(number_of).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(second.receive(&reader, 4, Duration::ZERO).await.expect("an answer").is_empty(), "one at a time");
    first.ack(&batch[1]).await.expect("it is acknowledged");

    // The first one says nothing any more.
    assert_eq!(take(&second, &reader, 8).await, (2..10).collect::<Vec<_>>());
    let late = first.ack(&batch[3]).await.expect_err("it was taken over");
    assert_eq!(late.kind(), ErrorKind::Conflict);

    second.release(&reader).await.expect("it is left");
    publish(&second, "jobs", 10..11).await;
    assert_eq!(take(&first, &reader, 1).await, [10], "at once, without a lease to run out");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_vanishes_is_followed_by_another_on_sqlite() {
    let store = sqlite().await;
    one_of_two_processes_reads_and_the_other_takes_over(store.clone(), store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_vanishes_is_followed_by_another_on_postgres() {
    let store = postgres().await;
    one_of_two_processes_reads_and_the_other_takes_over(store.clone(), store).await;
}

fn counting(handled: Arc<AtomicU32>, bad: u64) -> everreach_core::sync::bus::Handler {
    Arc::new(move |delivery: Delivery| {
        let handled = Arc::clone(&handled);
        Box::pin(async move {
            assert_ne!(number_of(&delivery), 7, "a handler that panics");
            if number_of(&delivery) == bad {
                return Err(Error::new(ErrorKind::HandlerError, "it cannot be handled"));
            }
            handled.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_fails_or_panics_gets_its_message_parked_and_the_rest_goes_on() {
    let store = sqlite().await;
    let bus = start(&store, quick());
    let handled = Arc::new(AtomicU32::new(0));
    let subscription = Subscription::new("one", "jobs");
    let subscriber = Subscriber::start(Arc::new(bus.clone()), subscription.clone(), counting(Arc::clone(&handled), 3));
    publish(&bus, "jobs", 0..20).await;
    let all = async {
        while handled.load(Ordering::SeqCst) < 18 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, all).await.expect("the others are handled");
    subscriber.stop().await;
    let parked = bus.parked(10).await.expect("a list");
    let told: Vec<_> =
        parked.iter().map(|message| (message.payload.as_str(), message.error.as_str(), message.attempts)).collect();
    assert_eq!(told, [("3", "it cannot be handled", 5), ("7", "the handler panicked", 5)]);
    let status = bus.status().await.expect("a status");
    assert_eq!((status.parked, status.subscriptions[0].waiting, status.redis), (2, 0, None));
    assert_eq!(number(&store, "SELECT COUNT(*) FROM hybrid_messages WHERE consumed_at IS NULL").await, 0);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_is_cancelled_finishes_its_message_and_leaves_the_rest_to_whoever_reads_next() {
    let bus = start(&sqlite().await, quick());
    publish(&bus, "jobs", 0..3).await;
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let handler: Handler = Arc::new(move |_| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        Box::pin(async move {
            tell.add_permits(1);
            wait.acquire().await.expect("it stays open").forget();
            Ok(())
        })
    });
    let subscription = Subscription::new("one", "jobs");
    let subscriber = Subscriber::start(Arc::new(bus.clone()), subscription.clone(), handler);
    begun.acquire().await.expect("it stays open").forget();
    subscriber.cancel();
    assert!(!subscriber.is_over(), "its message is being handled");
    go_on.add_permits(1);
    let over = async {
        while !subscriber.is_over() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, over).await.expect("it ends");
    assert_eq!(begun.available_permits(), 0, "nothing was begun after that");
    let next = bus.receive(&subscription, 1, Duration::ZERO).await.expect("an answer");
    assert_eq!(next[0].message.payload, 1, "the first is acknowledged");
    bus.stop().await;
}

async fn count(bus: &OutboxBus, delivery: &Delivery) -> everreach_core::Result<bool> {
    bus.apply(delivery, |db| {
        Box::pin(async move {
            use everreach_core::store::Db;
            let statement = "UPDATE effects SET done = done + 1";
            match db {
                Db::Sqlite(connection) => sqlx::query(statement).execute(&mut **connection).await.map(drop)?,
                Db::Postgres(connection) => sqlx::query(statement).execute(&mut **connection).await.map(drop)?,
                _ => unreachable!("there are two databases"),
            }
            Ok(())
        })
    })
    .await
}

async fn an_effect_in_the_database_happens_once(store: Store) {
    execute(&store, "CREATE TABLE effects (done BIGINT NOT NULL)").await;
    execute(&store, "INSERT INTO effects VALUES (0)").await;
    let bus = start(&store, quick());
    let reader = Subscription::new("one", "jobs");
    publish(&bus, "jobs", 0..1).await;
    let first = bus.receive(&reader, 1, Duration::ZERO).await.expect("an answer");
    let again = bus.receive(&reader, 1, Duration::ZERO).await.expect("an answer");
    assert_eq!((first[0].attempt, again[0].attempt), (1, 2));
    assert!(count(&bus, &first[0]).await.expect("it is handled"));
    assert!(!count(&bus, &again[0]).await.expect("it is known"));
    assert_eq!(number(&store, "SELECT done FROM effects").await, 1);
    let refused = bus.apply(&first[0], |_| Box::pin(async { Err(Error::new(ErrorKind::Internal, "no")) })).await;
    assert!(!refused.expect("it is known, so the work does not run"));
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_twice_has_its_effect_once_on_sqlite() {
    an_effect_in_the_database_happens_once(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_twice_has_its_effect_once_on_postgres() {
    an_effect_in_the_database_happens_once(postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_another_process_hears_of_a_message_long_before_its_next_look() {
    let url = postgres_url().await;
    let open = async || {
        let config = everreach_core::store::StoreConfig::new(&url);
        Store::open(&config).await.expect("a store")
    };
    let mut config = quick();
    config.interval = Duration::from_secs(3_600);
    let (here, there) = (start(&open().await, config.clone()), start(&open().await, config));
    let reader = Subscription::new("one", "jobs").starting(Start::Newest);
    publish(&here, "jobs", 0..3).await;
    assert!(there.receive(&reader, 10, Duration::ZERO).await.expect("an answer").is_empty(), "it begins with what is new");
    let waiting = tokio::spawn({
        let there = there.clone();
        async move { there.receive(&reader, 10, super::PATIENCE).await.expect("an answer") }
    });
    let heard = async {
        // Until it listens, what is published is not heard at once.
        while !waiting.is_finished() {
            here.publish(NewMessage::new("jobs", 3.into()).with_dedup_key("3")).await.expect("it is published");
            tokio::time::sleep(Duration::from_millis(20)).await;
            here.publish(NewMessage::new("other", 0.into())).await.expect("it is published");
        }
        waiting.await.expect("it ends")
    };
    let heard = tokio::time::timeout(super::PATIENCE, heard).await.expect("in time");
    assert_eq!(heard.iter().map(number_of).collect::<Vec<_>>(), [3]);
    here.stop().await;
    there.stop().await;
}
