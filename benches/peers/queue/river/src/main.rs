//! River for Rust on PostgreSQL, for `run.py`: `queue-peer-river COMMAND DATABASE_URL COUNT [tuned]`.
//!
//! Each command prints one line of JSON; a worker then waits for the end of its standard input, so that its memory can be read.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use riverqueue::migrate::PostgresMigrator;
use riverqueue::sqlx::{self, PgPool};
use riverqueue::{BoxError, Client, ClientBuilder, Job, JobArgs, QueueConfig, RunHandle, WorkContext, WorkOutcome, Workers};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Jobs in one bulk call.
const AT_ONCE: u32 = 1_000;

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "no_op")]
struct NoOp {
    number: u32,
}

/// What the handler has seen: each job's number and when it began.
#[derive(Default)]
struct Seen {
    begun: Mutex<Vec<(u32, u64)>>,
    all: Notify,
}

impl Seen {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u32, u64)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, url, count, rest @ ..] = arguments.as_slice() else {
        return Err("usage: queue-peer-river COMMAND DATABASE_URL COUNT [tuned]".into());
    };
    let (count, tuned) = (count.parse()?, rest.first().is_some_and(|word| word == "tuned"));
    let pool = PgPool::connect(url).await?;
    match command.as_str() {
        "prepare" => Ok(PostgresMigrator::new(pool).migrate_up().await.map(drop)?),
        "enqueue" => enqueue(pool, count, tuned).await,
        "drain" => drain(pool, count, tuned).await,
        "left" => left(&pool).await,
        "pickup-worker" => pickup_worker(pool, count, tuned).await,
        "pickup-enqueue" => pickup_enqueue(pool, count, tuned).await,
        _ => Err(format!("there is no command {command}").into()),
    }
}

async fn enqueue(pool: PgPool, count: u32, tuned: bool) -> Result<()> {
    let client = builder(pool, tuned).build()?;
    let start = Instant::now();
    for first in (0..count).step_by(AT_ONCE as usize) {
        let last = count.min(first + AT_ONCE);
        client.insert_many((first..last).map(|number| NoOp { number })).await?;
    }
    tell(&json!({"seconds": start.elapsed().as_secs_f64()}));
    Ok(())
}

async fn drain(pool: PgPool, count: u32, tuned: bool) -> Result<()> {
    let seen = Arc::new(Seen::default());
    let start = Instant::now();
    let began = unix_ns();
    let mut run = start_worker(pool, count, tuned, &seen)?;
    seen.all.notified().await;
    let last = seen.lock().iter().map(|(_, at)| *at).max().unwrap_or(began);
    run.stop().await?;
    let distinct = seen.lock().iter().map(|(number, _)| *number).collect::<std::collections::BTreeSet<_>>().len();
    tell(&json!({"seconds": (last - began) as f64 / 1e9, "settled_seconds": start.elapsed().as_secs_f64(), "handled": distinct}));
    wait_for_the_end();
    Ok(())
}

async fn left(pool: &PgPool) -> Result<()> {
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM river_job WHERE state <> 'completed'").fetch_one(pool).await?;
    tell(&json!({"left": left}));
    Ok(())
}

async fn pickup_worker(pool: PgPool, count: u32, tuned: bool) -> Result<()> {
    let seen = Arc::new(Seen::default());
    let mut run = start_worker(pool, count, tuned, &seen)?;
    run.wait_ready().await?;
    tell(&json!("ready"));
    seen.all.notified().await;
    run.stop().await?;
    let begun: BTreeMap<_, _> = seen.lock().iter().copied().collect();
    tell(&json!({"begun": begun}));
    wait_for_the_end();
    Ok(())
}

async fn pickup_enqueue(pool: PgPool, count: u32, tuned: bool) -> Result<()> {
    let client = builder(pool, tuned).build()?;
    let mut enqueued = BTreeMap::new();
    for number in 0..count {
        tokio::time::sleep(Duration::from_millis(u64::from(5 + number * 7 % 41))).await;
        enqueued.insert(number, unix_ns());
        client.insert(NoOp { number }).await?;
    }
    tell(&json!({"enqueued": enqueued}));
    Ok(())
}

fn start_worker(pool: PgPool, count: u32, tuned: bool, seen: &Arc<Seen>) -> Result<RunHandle> {
    let (mut workers, seen) = (Workers::new(), Arc::clone(seen));
    workers.add_fn(move |_: WorkContext, job: Job<NoOp>| {
        let seen = Arc::clone(&seen);
        async move {
            let at = unix_ns();
            let mut begun = seen.lock();
            begun.push((job.args.number, at));
            if begun.len() == count as usize {
                seen.all.notify_one();
            }
            Ok::<_, BoxError>(WorkOutcome::Complete)
        }
    })?;
    let queue = QueueConfig::new(if tuned { 2_000 } else { 16 });
    Ok(builder(pool, tuned).workers(workers).queue("default", queue).build()?.start()?)
}

/// The cooldown also holds back what an enqueuer announces, so that both sides are tuned.
fn builder(pool: PgPool, tuned: bool) -> ClientBuilder {
    let builder = Client::builder(pool);
    if tuned { builder.fetch_cooldown(Duration::from_millis(1)) } else { builder }
}

fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn tell(line: &serde_json::Value) {
    println!("{line}");
}

fn wait_for_the_end() {
    let _nobody_writes = std::io::stdin().read_to_end(&mut Vec::new());
}
