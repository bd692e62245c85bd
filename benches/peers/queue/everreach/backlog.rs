//! What a claim costs while many wait.

use everreach_core::safari::decision::{Conditions, RetrySchedule, settle};
use everreach_core::safari::queue::{Claimed, Finish, NewCommand};
use everreach_core::safari::{Command, DispatchOutcome, Verb};
use serde_json::json;

use crate::arguments::Arguments;
use crate::fixture::Fixture;
use crate::seen::{seconds, unix_ns};
use crate::{Result, tell};

/// Commands wanted by one claim.
const WANTED: u32 = 100;

/// `--count` claims of 100 from what waits. After each, what was claimed is finished and as many are enqueued, so that the backlog
/// stays as long as it was; neither is timed.
pub(crate) async fn claims(arguments: &Arguments) -> Result<()> {
    let fixture = Fixture::open(arguments).await?;
    let conditions = Conditions::new(chrono_tz::UTC);
    let (mut times, mut claimed_in_all) = (Vec::new(), 0);
    for _ in 0..arguments.count {
        let start = unix_ns();
        let claimed = fixture.queue.claim("bench", WANTED, &conditions).await?;
        times.push(seconds(start, unix_ns()));
        claimed_in_all += claimed.len();
        finish(&fixture, claimed).await?;
    }
    tell(&json!({"claimed": claimed_in_all, "seconds": times}));
    fixture.close().await;
    Ok(())
}

async fn finish(fixture: &Fixture, claimed: Vec<Claimed>) -> Result<()> {
    let now = fixture.clock.now();
    let again = claimed.iter().map(|_| NewCommand::new(Command::new(Verb::Score, now))).collect();
    let finish = |claimed: Claimed| {
        let outcome = DispatchOutcome::done("done");
        let settlement = settle(&outcome, claimed.command().retry_count, &RetrySchedule::default(), now, 0.5);
        Finish::new(claimed, outcome, settlement)
    };
    fixture.queue.finish_many(claimed.into_iter().map(finish).collect()).await?;
    fixture.queue.enqueue(again).await?;
    Ok(())
}
