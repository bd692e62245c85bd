//! How soon an idle worker begins with a command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use everreach_core::Id;
use everreach_core::safari::limits::LimitTable;
use everreach_core::safari::queue::NewCommand;
use everreach_core::safari::{Command, Verb};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::fixture::{Fixture, INTERVAL};
use crate::seen::{Seen, unix_ns};
use crate::{Result, tell, wait_for_the_end};

/// After this the worker has looked at an empty queue and waits.
const IDLE: Duration = Duration::from_millis(500);

/// The worker, in a process of its own.
pub(crate) async fn worker(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let (seen, stopping) = (Arc::new(Seen::expecting(arguments.count)), CancellationToken::new());
    let running = start(&fixture, arguments, &seen, &stopping);
    tokio::time::sleep(IDLE).await;
    tell(&json!("ready"));
    seen.all().await;
    stopping.cancel();
    running.await?;
    tell(&json!({"begun": by_id(seen.begun())}));
    wait_for_the_end();
    fixture.close().await;
    Ok(())
}

/// The other process: enqueues one at a time.
pub(crate) async fn enqueue(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let enqueued = enqueue_singly(&fixture, arguments.count).await?;
    tell(&json!({"enqueued": by_id(enqueued)}));
    fixture.close().await;
    Ok(())
}

/// Both in one process.
pub(crate) async fn in_process(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let (seen, stopping) = (Arc::new(Seen::expecting(arguments.count)), CancellationToken::new());
    let running = start(&fixture, arguments, &seen, &stopping);
    tokio::time::sleep(IDLE).await;
    let enqueued = enqueue_singly(&fixture, arguments.count).await?;
    seen.all().await;
    stopping.cancel();
    running.await?;
    tell(&json!({"enqueued": by_id(enqueued), "begun": by_id(seen.begun())}));
    fixture.close().await;
    Ok(())
}

fn start(fixture: &Fixture, arguments: &Arguments, seen: &Arc<Seen>, stopping: &CancellationToken) -> JoinHandle<()> {
    let (worker, stopping) = (fixture.worker(arguments, seen, LimitTable::default()), stopping.clone());
    tokio::spawn(async move {
        worker.run(INTERVAL, stopping).await;
    })
}

async fn enqueue_singly(fixture: &Fixture, count: u32) -> Result<Vec<(Id, u64)>> {
    let mut enqueued = Vec::new();
    for number in 0..count {
        tokio::time::sleep(Duration::from_millis(u64::from(5 + number * 7 % 41))).await;
        let command = Command::new(Verb::Score, fixture.clock.now());
        enqueued.push((command.id, unix_ns()));
        fixture.queue.enqueue(vec![NewCommand::new(command)]).await?;
    }
    Ok(enqueued)
}

fn by_id(times: Vec<(Id, u64)>) -> BTreeMap<String, u64> {
    times.into_iter().map(|(id, at)| (id.to_string(), at)).collect()
}
