//! Bulk enqueue and drain.

use std::sync::Arc;

use everreach_core::safari::decision::Conditions;
use everreach_core::safari::limits::LimitTable;
use everreach_core::safari::queue::NewCommand;
use everreach_core::safari::{Command, CommandStatus, Verb};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::fixture::{Fixture, INTERVAL};
use crate::seen::{Seen, seconds, unix_ns};
use crate::{Result, tell, wait_for_the_end};

/// Commands in one bulk call.
const AT_ONCE: u32 = 1_000;

/// `--count` commands without Safari or limits, in calls of 1,000; with `--keys yes` each has an idempotency key.
pub(crate) async fn enqueue(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let start = unix_ns();
    let mut left = arguments.count;
    while left > 0 {
        let now = left.min(AT_ONCE);
        let mut commands = Vec::new();
        for number in left - now..left {
            let new = NewCommand::new(Command::new(Verb::Score, fixture.clock.now()));
            commands.push(if arguments.keyed { new.with_key(format!("bench-{number}").parse()?) } else { new });
        }
        fixture.queue.enqueue(commands).await?;
        left -= now;
    }
    tell(&json!({"seconds": seconds(start, unix_ns())}));
    fixture.close().await;
    Ok(())
}

/// Works `--count` commands off; fewer than there are leave the rest.
pub(crate) async fn drain(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let seen = Arc::new(Seen::expecting(arguments.count));
    let worker = fixture.worker(arguments, &seen, LimitTable::default());
    let (start, stopping) = (unix_ns(), CancellationToken::new());
    let running = tokio::spawn({
        let stopping = stopping.clone();
        async move { worker.run(INTERVAL, stopping).await }
    });
    seen.all().await;
    stopping.cancel();
    let summary = running.await?;
    let settled = unix_ns();
    tell(&json!({
        "seconds": seconds(start, seen.last()),
        "settled_seconds": seconds(start, settled),
        "handled": seen.distinct(),
        "completed": summary.completed,
    }));
    wait_for_the_end();
    fixture.close().await;
    Ok(())
}

/// How many commands are not completed.
pub(crate) async fn left(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let statistics = fixture.queue.statistics(&Conditions::new(chrono_tz::UTC)).await?;
    let all: u64 = statistics.depth.iter().map(|count| count.commands).sum();
    tell(&json!({"left": all - statistics.of_status(CommandStatus::Completed)}));
    fixture.close().await;
    Ok(())
}
