//! What limits cost. All of these drive Safari, so that one runs at a time, by the same worker and the same dispatcher.

use std::sync::Arc;

use everreach_core::safari::limits::LimitTable;
use everreach_core::safari::queue::NewCommand;
use everreach_core::safari::{Command, Platform, Verb};
use serde_json::json;

use crate::arguments::Arguments;
use crate::fixture::Fixture;
use crate::seen::{Seen, seconds, unix_ns};
use crate::{Result, tell};

/// So many messages in one request wait for nobody's word.
const UNAPPROVED: usize = 10;
const ROUNDS: u32 = 5;

/// Limits off: pages that are opened, which no limit counts and which reach nobody.
pub(crate) async fn navigate(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let now = fixture.clock.now();
    let page = |number| Command::new(Verb::Navigate, now).with_param("url", format!("https://x.com/person{number}"));
    fixture.queue.enqueue((0..arguments.count).map(page).map(NewCommand::new).collect()).await?;
    let spent = work_off(&fixture, arguments, arguments.count, LimitTable::default()).await?;
    tell(&json!({"seconds": spent, "handled": arguments.count}));
    fixture.close().await;
    Ok(())
}

/// Limits on: messages to `--count` people, under `--limit` a day and an hour, or under a daily limit that none reaches.
pub(crate) async fn messages(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    enqueue(&fixture, Platform::Twitter, 0..arguments.count).await?;
    let table =
        arguments.limit.map_or_else(unlimited, |limit| format!(r#"{{"twitter": {{"dm": {limit}, "dm_hour": {limit}}}}}"#));
    let spent = work_off(&fixture, arguments, arguments.count, table.parse()?).await?;
    tell(&json!({"seconds": spent, "handled": arguments.count}));
    fixture.close().await;
    Ok(())
}

/// Five rounds of `--count` messages that may go, while `--exhausted` others wait in lanes whose limit is used up.
pub(crate) async fn keys(arguments: &Arguments) -> Result<()> {
    const FULL: [Platform; 3] = [Platform::Instagram, Platform::Tiktok, Platform::Linkedin];
    let fixture = Fixture::open(arguments).await?;
    let table: LimitTable =
        r#"{"twitter": {"dm": 4294967295}, "instagram": {"dm": 1}, "tiktok": {"dm": 1}, "linkedin": {"dm": 1}}"#.parse()?;
    if arguments.exhausted > 0 {
        for platform in FULL {
            enqueue(&fixture, platform, 0..1).await?;
        }
        work_off(&fixture, arguments, 3, table.clone()).await?;
        for (platform, first) in FULL.into_iter().zip(1..) {
            enqueue(&fixture, platform, (first..arguments.exhausted).step_by(FULL.len())).await?;
        }
    }
    let mut spent = 0.0;
    for round in 0..ROUNDS {
        enqueue(&fixture, Platform::Twitter, round * arguments.count..(round + 1) * arguments.count).await?;
        spent += work_off(&fixture, arguments, arguments.count, table.clone()).await?;
    }
    tell(&json!({"seconds": spent, "handled": ROUNDS * arguments.count}));
    fixture.close().await;
    Ok(())
}

/// Messages to `--count` people, of whom all but one in a hundred were written to just now and are refused.
pub(crate) async fn contacts(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let (table, fresh): (LimitTable, u32) = (unlimited().parse()?, arguments.count.div_ceil(100));
    enqueue(&fixture, Platform::Twitter, fresh..arguments.count).await?;
    work_off(&fixture, arguments, arguments.count - fresh, table.clone()).await?;
    enqueue(&fixture, Platform::Twitter, 0..arguments.count).await?;
    let spent = work_off(&fixture, arguments, fresh, table).await?;
    tell(&json!({"seconds": spent, "handled": fresh, "refused": arguments.count - fresh}));
    fixture.close().await;
    Ok(())
}

fn unlimited() -> String {
    r#"{"twitter": {"dm": 4294967295}}"#.to_owned()
}

async fn enqueue(fixture: &Fixture, platform: Platform, people: impl Iterator<Item = u32>) -> Result<()> {
    let handle = |number| match platform {
        Platform::Linkedin => format!("https://www.linkedin.com/in/person{number}/"),
        _ => format!("person{number}"),
    };
    let message = |number| NewCommand::new(Command::dm(platform, &handle(number), "hello", fixture.clock.now()));
    let messages: Vec<_> = people.map(message).collect();
    for request in messages.chunks(UNAPPROVED) {
        fixture.queue.enqueue(request.to_vec()).await?;
    }
    Ok(())
}

/// Runs a worker until nothing more may go; so many must have reached the dispatcher by then.
async fn work_off(fixture: &Fixture, arguments: &Arguments, expected: u32, limits: LimitTable) -> Result<f64> {
    let seen = Arc::new(Seen::expecting(expected));
    let worker = fixture.worker(arguments, &seen, limits);
    // The services are looked at beforehand: that is part of no command.
    worker.services().look().await?;
    let start = unix_ns();
    let summary = worker.run_once(u32::MAX).await?;
    let spent = seconds(start, unix_ns());
    if summary.completed == expected && seen.distinct() == usize::try_from(expected)? {
        Ok(spent)
    } else {
        Err(format!("{expected} commands were to go, and these went: {summary:?}, {} of them distinct", seen.distinct()).into())
    }
}
