//! The built program on both sides of one PostgreSQL, with a Redis: the cloud is cut off, its work is taken over and handed back, and
//! the event log tells of it in order.
//!
//! `EVERREACH_TEST_FAILOVER_PROFILE=fast` plays it with the times that people use; it takes a quarter of an hour then.

use std::time::Duration;

use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use super::proxy::{Link, Proxy};
use crate::cli::program::Place;
use crate::support::redis::RedisServer;
use crate::support::store::{number, postgres_url, texts};

const KEY: &str = "a-key-for-a-test";
/// Longer than the hand-back of the fast profile waits after a takeover.
const PATIENCE: Duration = Duration::from_secs(900);

/// What the log says of who leads, oldest first: when, and in words.
struct Log {
    store: Store,
    cloud: String,
    entries: Vec<(Timestamp, String)>,
}

impl Log {
    /// What is known by now.
    async fn read(&mut self) {
        let rows = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') || ' ' || kind || ' ' || data::text \
             FROM everreach_events WHERE kind LIKE 'failover.%' OR kind LIKE 'connectivity.%' ORDER BY at, seq";
        let entry = |row: String| {
            let mut words = row.splitn(3, ' ');
            let at = words.next().and_then(|at| at.parse().ok()).expect("a time");
            (at, words.next().expect("a kind").to_owned(), words.next().expect("data").to_owned())
        };
        let rows: Vec<_> = texts(&self.store, rows).await.into_iter().map(entry).collect();
        self.entries = rows.into_iter().map(|(at, kind, data)| (at, self.line(&kind, &data))).collect();
    }

    fn line(&self, kind: &str, data: &str) -> String {
        let data: Value = serde_json::from_str(data).expect("JSON");
        let who = data.get("holder").or(data.get("instance")).and_then(Value::as_str).unwrap_or_default();
        let side = if who == self.cloud { "cloud" } else { "local" };
        let epoch = data["epoch"].as_i64().map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
        format!("{side} {kind}{epoch}")
    }

    /// Waits for an entry of this side and kind at or after a time.
    async fn until(&mut self, what: &str, since: Timestamp) -> Timestamp {
        let is_it = |(at, line): &(Timestamp, String)| *at >= since && line.split(',').next() == Some(what);
        let waiting = async {
            loop {
                self.read().await;
                if let Some((at, _)) = self.entries.iter().find(|entry| is_it(entry)) {
                    return *at;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(at) => at,
            Err(_) => panic!("`{what}` never came: {:#?}", self.entries),
        }
    }
}

fn now() -> Timestamp {
    SystemClock::new().now()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to - from).as_seconds_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_cut_off_is_replaced_and_gets_its_work_back_and_the_log_tells_it_in_order() {
    #[allow(clippy::disallowed_methods, reason = "how long the test runs is the test run's to say")]
    let profile = std::env::var("EVERREACH_TEST_FAILOVER_PROFILE").unwrap_or_else(|_| "drill".to_owned());
    let (database, redis) = (postgres_url().await, RedisServer::start());
    let url: url::Url = database.parse().expect("a URL");
    let server = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let server = tokio::net::lookup_host(server).await.expect("an address").next().expect("an address");
    let cloud_database = Proxy::to(server).await;
    let mut through = url.clone();
    through.set_port(Some(cloud_database.port)).expect("a port");
    through.set_host(Some("127.0.0.1")).expect("a host");
    let place = |database: &str| {
        let place = Place::new().with("DATABASE_URL", database).with("EVERREACH_CLOUD_KEY", KEY);
        place.with("REDIS_URL", &redis.url()).with("FAILOVER_PROFILE", &profile)
    };

    let cloud = place(through.as_str());
    let cloud = tokio::task::spawn_blocking(move || cloud.serve(&["serve", "--env", "cloud", "--listen", "127.0.0.1:0"]));
    let cloud = cloud.await.expect("it starts");
    let port = cloud.url().parse::<url::Url>().expect("a URL").port().expect("a port");
    let to_cloud = Proxy::to(([127, 0, 0, 1], port).into()).await;
    let mac = place(&database).with("CLOUD_ENDPOINT", &format!("http://127.0.0.1:{}", to_cloud.port));
    let local = tokio::task::spawn_blocking(move || mac.serve(&["serve", "--env", "hybrid", "--listen", "127.0.0.1:0"]));
    let _local = local.await.expect("it starts");

    let store = Store::open(&StoreConfig::new(&database)).await.expect("a database");
    let holder = "SELECT holder FROM everreach_leases WHERE resource = 'leader'";
    while number(&store, "SELECT count(*) FROM everreach_failover WHERE value = 'shared'").await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let leader = texts(&store, holder).await.pop().expect("the cloud leads");
    let mut log = Log { store, cloud: leader, entries: Vec::new() };
    let (to_local, restored) = (redis.listen("FAILOVER_TO_LOCAL"), redis.listen("FAILOVER_RESTORED"));

    // Both live; the cloud is seen by nobody any more.
    let cut = now();
    to_cloud.set(Link::Silent);
    cloud_database.set(Link::Silent);
    let failed = log.until("local failover.cloud_failed", cut).await;
    let taken = log.until("local failover.took_over", cut).await;
    let healed = now();
    to_cloud.set(Link::Up);
    cloud_database.set(Link::Up);
    let seen = log.until("local failover.cloud_restored", healed).await;
    let handed = log.until("local failover.handed_back", healed).await;
    let leads = log.until("cloud failover.leads", handed).await;
    // It stopped by its own clock, before the other side began; it could write that down only when its database was there again.
    let stopped = log.until("cloud failover.lease_lost", cut).await;
    assert!(stopped < taken, "the cloud stopped at {stopped}, the local side began at {taken}");
    assert!(failed <= taken && taken <= healed && seen <= handed && handed <= leads, "{:#?}", log.entries);

    println!("profile {profile}; the cloud is cut off at 0 s, and the cut is healed at {:.1} s", seconds(cut, healed));
    for (at, line) in &log.entries {
        println!("{:>8.1} s  {line}", seconds(cut, *at));
    }
    println!("detection {:.1} s, takeover {:.1} s after the cut", seconds(cut, failed), seconds(cut, taken));
    println!("restored {:.1} s, led again {:.1} s after it was healed", seconds(healed, seen), seconds(healed, leads));

    for (heard, topic) in [(to_local, "FAILOVER_TO_LOCAL"), (restored, "FAILOVER_RESTORED")] {
        let message = tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(30)));
        let message = message.await.expect("it ends").unwrap_or_else(|_| panic!("nothing came over Redis in {topic}"));
        println!("redis {topic}: {message}");
        let count = format!("SELECT count(*) FROM hybrid_messages WHERE topic = '{topic}'");
        assert_eq!(number(&log.store, count).await, 1, "{topic}");
    }
}
