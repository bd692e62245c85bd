//! The log: other programs' rows, transactions, what is kept.

use std::time::Duration;

use everreach_core::store::{Db, Store, StoreConfig};
use everreach_core::sync::bus::{NewMessage, Retention, Subscription, SyncBus, publish_within};
use everreach_core::{Clock, Error, ErrorKind, SystemClock};
use sqlx::{Connection, PgConnection};

use super::{number_of, publish, quick, start, take};
use crate::support::store::{execute, number, postgres, postgres_url, sqlite};

async fn rows_of_other_programs_are_delivered(store: Store) {
    let bus = start(&store, quick());
    let reader = Subscription::new("one", "jobs");
    publish(&bus, "jobs", 0..1).await;
    execute(&store, "INSERT INTO hybrid_messages (id, topic, payload_json) VALUES ('by-hand', 'jobs', '1')").await;
    publish(&bus, "jobs", 2..3).await;
    execute(&store, "INSERT INTO hybrid_messages (id, topic, payload_json) VALUES ('broken', 'jobs', '{no json')").await;
    publish(&bus, "jobs", 3..4).await;
    assert_eq!(take(&bus, &reader, 4).await, [0, 1, 2, 3]);
    let parked = bus.parked(10).await.expect("a list");
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert!(parked[0].id.ends_with("-broken") && parked[0].payload == "{no json" && parked[0].error == "the payload is not JSON");
    assert_eq!(number(&store, "SELECT COUNT(*) FROM hybrid_messages WHERE consumed_at IS NOT NULL").await, 5);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_other_programs_insert_are_delivered_in_their_place_on_sqlite() {
    rows_of_other_programs_are_delivered(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_other_programs_insert_are_delivered_in_their_place_on_postgres() {
    rows_of_other_programs_are_delivered(postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_a_script_made_is_used_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hybrid.db");
    let script = "import sqlite3, sys, datetime\n\
        db = sqlite3.connect(sys.argv[1])\n\
        db.execute('CREATE TABLE hybrid_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload_json TEXT, \
        created_at TEXT, consumed_at TEXT)')\n\
        db.execute('INSERT INTO hybrid_messages (topic, payload_json, created_at) VALUES (?, ?, ?)', \
        ('jobs', '0', datetime.datetime(2026, 11, 20, 8, 0).isoformat()))\n\
        db.commit()\n";
    let made = std::process::Command::new("python3").arg("-c").arg(script).arg(&path).status().expect("python3 runs");
    assert!(made.success());
    let store = Store::open(&StoreConfig::new(format!("sqlite://{}", path.display()))).await.expect("it is adopted");
    let bus = start(&store, quick());
    let reader = Subscription::new("one", "jobs");
    publish(&bus, "jobs", 1..3).await;
    let first = bus.receive(&reader, 10, Duration::ZERO).await.expect("an answer");
    assert_eq!(first.iter().map(number_of).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(first[0].message.created_at.to_rfc3339(), "2026-11-20T08:00:00+00:00");
    assert_eq!(number(&store, "SELECT MAX(id) FROM hybrid_messages").await, 3, "the script's ids go on");
    bus.stop().await;
}

async fn a_message_and_its_change_are_one(store: Store) {
    let bus = start(&store, quick());
    let now = SystemClock::new().now();
    let undone = store.write(move |mut db: Db<'_>| {
        Box::pin(async move {
            publish_within(&mut db, vec![NewMessage::new("jobs", 0.into())], now).await?;
            Err::<(), _>(Error::new(ErrorKind::Conflict, "the change did not happen"))
        })
    });
    undone.await.expect_err("it is undone");
    let done = store.write(move |mut db: Db<'_>| {
        Box::pin(async move { publish_within(&mut db, vec![NewMessage::new("jobs", 1.into())], now).await })
    });
    done.await.expect("it is done");
    bus.wake();
    assert_eq!(take(&bus, &Subscription::new("one", "jobs"), 1).await, [1]);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_exists_only_with_the_change_that_it_tells_of_on_sqlite() {
    a_message_and_its_change_are_one(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_exists_only_with_the_change_that_it_tells_of_on_postgres() {
    a_message_and_its_change_are_one(postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_committed_late_is_not_passed_by() {
    let url = postgres_url().await;
    let store = Store::open(&StoreConfig::new(&url)).await.expect("a store");
    let bus = start(&store, quick());
    let mut connection = PgConnection::connect(&url).await.expect("a connection");
    let mut slow = connection.begin().await.expect("a transaction");
    let insert = "INSERT INTO hybrid_messages (id, topic, payload_json) VALUES ('slow', 'jobs', '0')";
    sqlx::query(insert).execute(&mut *slow).await.expect("it is written");
    publish(&bus, "jobs", 1..3).await;
    let reader = Subscription::new("one", "jobs");
    assert_eq!(take(&bus, &reader, 2).await, [1, 2]);
    slow.commit().await.expect("it is committed");
    assert_eq!(take(&bus, &reader, 1).await, [0]);
    bus.stop().await;
}

async fn what_everybody_has_had_goes_first(store: Store) {
    let mut config = quick();
    config.retention = Retention::limits(Duration::from_secs(3_600), 10, Duration::from_secs(7_200), 50);
    let bus = start(&store, config);
    let (reader, idle) = (Subscription::new("one", "jobs"), Subscription::new("idle", "jobs"));
    // What comes before the first of them is known may go at once.
    for known in [&reader, &idle] {
        assert!(bus.receive(known, 1, Duration::ZERO).await.expect("an answer").is_empty());
    }
    publish(&bus, "jobs", 0..30).await;
    assert_eq!(take(&bus, &reader, 30).await.len(), 30);
    let late = bus.receive(&idle, 5, Duration::ZERO).await.expect("an answer");
    let rows = "SELECT COUNT(*) FROM hybrid_messages";
    bus.prune().await.expect("a round");
    assert_eq!(number(&store, rows).await, 30, "one subscription has not had them");
    bus.ack(&late[4]).await.expect("it is acknowledged");
    bus.prune().await.expect("a round");
    assert_eq!(number(&store, rows).await, 25);
    publish(&bus, "jobs", 30..75).await;
    assert_eq!(take(&bus, &reader, 45).await.len(), 45);
    bus.prune().await.expect("a round");
    assert_eq!(number(&store, rows).await, 50, "the most that are kept for anybody");
    assert!(bus.unsubscribe("idle", "jobs").await.expect("it is forgotten"));
    bus.prune().await.expect("a round");
    assert_eq!(number(&store, rows).await, 10);
    bus.stop().await;
    let told = "SELECT COUNT(*) FROM everreach_events WHERE kind = 'bus.dropped'";
    let written = async {
        while number(&store, told).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, written).await.expect("what was dropped is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_when_everybody_has_had_them_or_at_a_limit_that_is_told_on_sqlite() {
    what_everybody_has_had_goes_first(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_when_everybody_has_had_them_or_at_a_limit_that_is_told_on_postgres() {
    what_everybody_has_had_goes_first(postgres().await).await;
}
