//! Two databases and one Redis, which comes and goes.

use std::time::Duration;

use everreach_core::store::{Store, StoreConfig};
use everreach_core::sync::bus::{OutboxBus, Subscription, SyncBus};

use super::{PATIENCE, over, publish, start, take};
use crate::support::redis::{Memory, RedisServer};
use crate::support::store::{execute, number, postgres, sqlite};

fn reader() -> Subscription {
    Subscription::new("there", "jobs")
}

/// Waits until Redis is as it is said to be.
async fn is_up(bus: &OutboxBus, wanted: bool) {
    let until = async {
        while bus.status().await.expect("a status").redis.map(|redis| redis.is_up) != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("it is noticed in time");
}

async fn both_ways(mac: Store, cloud: Store) {
    let redis = RedisServer::start();
    let (mac, cloud) = (start(&mac, over(&redis.url())), start(&cloud, over(&redis.url())));
    publish(&mac, "jobs", 0..700).await;
    publish(&cloud, "results", 0..3).await;
    assert_eq!(take(&cloud, &reader(), 700).await, (0..700).collect::<Vec<_>>());
    assert_eq!(take(&mac, &Subscription::new("here", "results"), 3).await, [0, 1, 2]);
    // Its own messages come to it from its own log, once.
    assert_eq!(take(&mac, &reader(), 700).await, (0..700).collect::<Vec<_>>());
    assert!(mac.receive(&reader(), 10, Duration::from_millis(300)).await.expect("an answer").is_empty());
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_between_sqlite_and_postgres() {
    both_ways(sqlite().await, postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_between_two_sqlite_databases() {
    both_ways(sqlite().await, sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_from_the_start_is_used_when_it_comes() {
    let mut redis = RedisServer::away();
    let (mac, cloud) = (start(&sqlite().await, over(&redis.url())), start(&sqlite().await, over(&redis.url())));
    is_up(&mac, false).await;
    publish(&mac, "jobs", 0..5).await;
    assert_eq!(take(&mac, &reader(), 5).await, [0, 1, 2, 3, 4], "its own database goes on");
    assert!(cloud.receive(&reader(), 5, Duration::ZERO).await.expect("an answer").is_empty());
    assert_eq!(mac.status().await.expect("a status").unsent, 5);
    redis.resume(Memory::Lost);
    assert_eq!(take(&cloud, &reader(), 5).await, [0, 1, 2, 3, 4]);
    is_up(&mac, true).await;
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_stops_leaves_the_traffic_to_others_at_once() {
    const HELD: &str = "SELECT COUNT(*) FROM everreach_leases WHERE resource = 'bus-carrier' AND holder IS NOT NULL";
    let redis = RedisServer::start();
    for store in [sqlite().await, postgres().await] {
        let bus = start(&store, over(&redis.url()));
        let held = async {
            while number(&store, HELD).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, held).await.expect("it does the work");
        bus.stop().await;
        assert_eq!(number(&store, HELD).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_forgets_is_sent_again_in_order() {
    let mut redis = RedisServer::start();
    let (mac, cloud) = (start(&sqlite().await, over(&redis.url())), start(&sqlite().await, over(&redis.url())));
    let mut expected = 0;
    publish(&mac, "jobs", 0..10).await;
    assert_eq!(take(&cloud, &reader(), 10).await.len(), 10);
    for round in 0..6 {
        expected += 10;
        // The receiving side is away while things are sent, so that they lie in Redis only.
        publish(&mac, "jobs", expected..expected + 5).await;
        match round % 3 {
            0 => drop(redis.say("FLUSHALL")),
            1 => {
                redis.kill();
                redis.resume(Memory::Lost);
            }
            _ => {
                redis.kill();
                redis.resume(Memory::Kept);
            }
        }
        publish(&mac, "jobs", expected + 5..expected + 10).await;
        assert_eq!(take(&cloud, &reader(), 10).await, (expected..expected + 10).collect::<Vec<_>>(), "round {round}");
    }
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_before_the_first_contact_loses_nothing() {
    let redis = RedisServer::start();
    let mac = start(&sqlite().await, over(&redis.url()));
    publish(&mac, "jobs", 0..20).await;
    let sent = async {
        while mac.status().await.expect("a status").unsent > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sent).await.expect("it is sent");
    assert_eq!(redis.say("FLUSHALL"), "+OK");
    let cloud = start(&sqlite().await, over(&redis.url()));
    assert_eq!(take(&cloud, &reader(), 20).await, (0..20).collect::<Vec<_>>());
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_trimmed_before_it_was_read_is_asked_for() {
    let redis = RedisServer::start();
    let mut config = over(&redis.url());
    config.stream_length = 100;
    let (mac, cloud) = (start(&sqlite().await, config.clone()), start(&sqlite().await, config));
    publish(&mac, "jobs", 0..2_000).await;
    assert_eq!(take(&cloud, &reader(), 2_000).await, (0..2_000).collect::<Vec<_>>());
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_noticed_and_used_again_when_it_goes_on() {
    let redis = RedisServer::start();
    let (mac, cloud) = (start(&sqlite().await, over(&redis.url())), start(&sqlite().await, over(&redis.url())));
    publish(&mac, "jobs", 0..3).await;
    assert_eq!(take(&cloud, &reader(), 3).await, [0, 1, 2]);
    redis.pause();
    publish(&mac, "jobs", 3..6).await;
    is_up(&mac, false).await;
    assert_eq!(take(&mac, &reader(), 6).await, [0, 1, 2, 3, 4, 5], "its own database goes on");
    redis.unpause();
    assert_eq!(take(&cloud, &reader(), 3).await, [3, 4, 5]);
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_restored_from_a_backup_loses_nothing_new() {
    let redis = RedisServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let open = async |name: &str| {
        let url = format!("sqlite://{}", folder.path().join(name).display());
        Store::open(&StoreConfig::new(url)).await.expect("a store")
    };
    let cloud = start(&sqlite().await, over(&redis.url()));
    let before = open("before.db").await;
    let mac = start(&before, over(&redis.url()));
    publish(&mac, "jobs", 0..5).await;
    assert_eq!(take(&cloud, &reader(), 5).await.len(), 5);
    before.backup(folder.path().join("restored.db")).await.expect("a backup");
    publish(&mac, "jobs", 5..10).await;
    assert_eq!(take(&cloud, &reader(), 5).await, [5, 6, 7, 8, 9]);
    mac.stop().await;

    let mac = start(&open("restored.db").await, over(&redis.url()));
    publish(&mac, "jobs", 100..103).await;
    assert_eq!(take(&cloud, &reader(), 3).await, [100, 101, 102], "and what it had sent before does not come again");
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_only_listen_hear_each_message_and_what_they_insert_is_carried() {
    let redis = RedisServer::start();
    let listener = redis.listen("jobs");
    let store = sqlite().await;
    let (mac, cloud) = (start(&store, over(&redis.url())), start(&sqlite().await, over(&redis.url())));
    publish(&mac, "jobs", 0..1).await;
    let heard = tokio::task::spawn_blocking(move || listener.recv_timeout(PATIENCE)).await.expect("it ends").expect("in time");
    let heard: serde_json::Value = serde_json::from_str(&heard).expect("JSON");
    assert_eq!((&heard["topic"], &heard["payload"]), (&"jobs".into(), &0.into()));
    execute(&store, "INSERT INTO hybrid_messages (id, topic, payload_json) VALUES ('by-hand', 'jobs', '1')").await;
    assert_eq!(take(&cloud, &reader(), 2).await, [0, 1]);
    mac.stop().await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_database_has_not_taken_over_is_kept_for_it() {
    let redis = RedisServer::start();
    let store = sqlite().await;
    let mut config = over(&redis.url());
    config.retention.count = 2;
    let (mac, cloud) = (start(&store, config), start(&sqlite().await, over(&redis.url())));
    publish(&mac, "jobs", 0..10).await;
    assert_eq!(take(&cloud, &reader(), 10).await.len(), 10);
    let peers = "SELECT COUNT(*) FROM everreach_bus_peers WHERE place = 10";
    let known = async {
        while number(&store, peers).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("the other one says how far it is");
    cloud.stop().await;
    publish(&mac, "jobs", 10..20).await;
    mac.prune().await.expect("a round");
    assert_eq!(number(&store, "SELECT COUNT(*) FROM hybrid_messages").await, 10);
    mac.stop().await;
}
