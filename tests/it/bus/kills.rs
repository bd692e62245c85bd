//! Publishers, a subscriber and Redis, killed at random: nothing is lost, nothing comes out of order, nothing has its effect twice.

use std::collections::BTreeMap;
use std::time::Duration;

use everreach_core::store::{Db, Store, StoreConfig};

use super::PATIENCE;
use super::kill_work::Plan;
use crate::crash::child::{Child, Job, Report};
use crate::support::random::below;
use crate::support::redis::{Memory, RedisServer};
use crate::support::store::{execute, postgres_url};

/// What was acknowledged to its publisher: how many of each writer's topic.
#[derive(Debug, Default)]
struct Told {
    published: BTreeMap<(String, String), i64>,
    kills: BTreeMap<&'static str, u32>,
}

impl Told {
    fn hear(&mut self, report: Report) {
        if let Report::Published(writer, topic, count) = report {
            self.published.insert((writer, topic), i64::try_from(count).expect("few"));
        }
    }
}

struct Process {
    child: Child,
    job: Job,
}

impl Process {
    async fn start(job: Job, told: &mut Told) -> Self {
        let mut child = Child::start(&job);
        while let Some(report) = child.next().await {
            let is_ready = report == Report::Ready;
            told.hear(report);
            if is_ready {
                break;
            }
        }
        Self { child, job }
    }

    /// Hears it out for a while.
    async fn live(&mut self, time: Duration, told: &mut Told) {
        let began = tokio::time::Instant::now();
        while let Some(report) = self.child.next_within(time.saturating_sub(began.elapsed())).await {
            told.hear(report);
        }
    }

    async fn kill(&mut self, told: &mut Told) {
        self.child.kill().await;
        self.child.rest().await.into_iter().for_each(|report| told.hear(report));
    }

    async fn renew(&mut self, told: &mut Told) {
        self.kill(told).await;
        *self = Self::start(self.job.clone(), told).await;
    }
}

type Seen = Vec<(String, String, i64)>;

async fn seen(store: &Store) -> Seen {
    let mut connection = store.read().await.expect("a connection");
    let Db::Sqlite(connection) = connection.db() else { unreachable!("the subscriber has SQLite") };
    let all = "SELECT writer, topic, number FROM seen ORDER BY id";
    sqlx::query_as(all).fetch_all(connection).await.expect("rows")
}

/// Each writer's messages of a topic are there from the first to at least the last that was acknowledged, in order and once.
fn check(seen: &Seen, told: &Told) -> Result<(), String> {
    let mut next: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (writer, topic, number) in seen {
        let next = next.entry((writer.clone(), topic.clone())).or_default();
        if number != next {
            return Err(format!("{writer} {topic}: {number} instead of {next}"));
        }
        *next += 1;
    }
    for (key, count) in &told.published {
        let here = next.get(key).copied().unwrap_or(0);
        if here < *count {
            return Err(format!("{key:?}: {here} of {count}"));
        }
    }
    Ok(())
}

async fn nothing_is_lost_or_reordered(publishers_url: String, kills: u32) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let subscriber_url = format!("sqlite://{}", folder.path().join("subscriber.db").display());
    let store = Store::open(&StoreConfig::new(&subscriber_url)).await.expect("a store");
    let table = "CREATE TABLE seen (id INTEGER PRIMARY KEY AUTOINCREMENT, writer TEXT, topic TEXT, number INTEGER)";
    execute(&store, table).await;
    let mut redis = RedisServer::start();
    let plan = |url: &str| Plan { url: url.to_owned(), redis: redis.url() };
    let jobs = [Job::Publish(plan(&publishers_url)), Job::Publish(plan(&publishers_url)), Job::Subscribe(plan(&subscriber_url))];
    let mut told = Told::default();
    let mut processes = Vec::new();
    for job in jobs {
        processes.push(Process::start(job, &mut told).await);
    }
    for _ in 0..kills {
        let time = Duration::from_millis(below(500));
        for process in &mut processes {
            process.live(time / 3, &mut told).await;
        }
        let what = match below(7) {
            0 | 1 => {
                processes[usize::try_from(below(2)).expect("small")].renew(&mut told).await;
                "publisher"
            }
            2 | 3 => {
                processes[2].renew(&mut told).await;
                "subscriber"
            }
            4 => {
                redis.kill();
                tokio::time::sleep(Duration::from_millis(below(300))).await;
                redis.resume(Memory::Kept);
                "redis"
            }
            5 => {
                redis.kill();
                redis.resume(Memory::Lost);
                "redis, which forgot"
            }
            _ => {
                redis.say("FLUSHALL");
                "flush"
            }
        };
        *told.kills.entry(what).or_default() += 1;
        let now = seen(&store).await;
        let order = check(&now, &Told::default());
        assert_eq!(order, Ok(()), "after {:?}", told.kills);
    }
    for publisher in &mut processes[..2] {
        publisher.kill(&mut told).await;
    }
    // Somebody has to go on sending for the publishers that are gone.
    let sender =
        super::start(&Store::open(&StoreConfig::new(&publishers_url)).await.expect("a store"), super::over(&redis.url()));
    let (mut so_far, mut moved) = (0, tokio::time::Instant::now());
    let end = loop {
        let now = seen(&store).await;
        if now.len() > so_far {
            (so_far, moved) = (now.len(), tokio::time::Instant::now());
        }
        match check(&now, &told) {
            Ok(()) => break now.len(),
            Err(what) => assert!(moved.elapsed() < PATIENCE, "{what}, after {:?}", told.kills),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    sender.stop().await;
    processes[2].kill(&mut told).await;
    let acknowledged: i64 = told.published.values().sum();
    format!("{acknowledged} acknowledged, {end} handled; 0 lost, 0 reordered, 0 twice; {:?}", told.kills)
}

/// How many kills are wanted; fewer as a rule, since each takes a while.
fn kills(usual: u32) -> u32 {
    #[allow(clippy::disallowed_methods, reason = "who runs the tests says how long")]
    let wanted = std::env::var("EVERREACH_TEST_BUS_KILLS").ok();
    wanted.map_or(usual, |wanted| wanted.parse().expect("a number of kills"))
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_publishers_subscriber_and_redis_lose_nothing_and_keep_the_order_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("publishers.db").display());
    println!("{}", nothing_is_lost_or_reordered(url, kills(12)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_publishers_subscriber_and_redis_lose_nothing_and_keep_the_order_on_postgres() {
    println!("{}", nothing_is_lost_or_reordered(postgres_url().await, kills(8)).await);
}
