//! What a person says: cancel, try again, it happened, leave it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store::{self, Move};
use crate::events;
use crate::ledger::Verdict;
use crate::safari::CommandStatus;
use crate::safari::queue::row::QueueRow;
use crate::safari::queue::{claim, counters};
use crate::store::Db;
use crate::{Error, ErrorKind, Event, Id, Result, Timestamp};

/// What a person found out about a command whose outcome was unknown.
///
/// ```
/// use everreach_core::safari::queue::Resolution;
/// assert_eq!("happened".parse::<Resolution>()?, Resolution::Happened);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Resolution {
    /// It was done.
    Happened,
    /// It was not done and shall be tried again.
    Retry,
    /// Whatever it was, it is left alone.
    Drop,
}

impl Resolution {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::Retry => "retry",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resolution {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Happened, Self::Retry, Self::Drop].into_iter().find(|word| word.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a resolution is happened, retry or drop").with("seen", text.escape_debug())
        })
    }
}

async fn locked(db: &mut Db<'_>, id: Id, operation: &'static str) -> Result<QueueRow> {
    store::lock(db, id)
        .await?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such command").with_operation(operation).with("command", id))
}

fn conflict(row: &QueueRow, message: &'static str, operation: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, message)
        .with_operation(operation)
        .with("command", row.command.id)
        .with("status", row.command.status)
}

async fn change(db: &mut Db<'_>, row: &QueueRow, to: &Move<'_>, what: &'static str, now: Timestamp) -> Result<()> {
    if !store::change(db, row, to, now).await? {
        return Err(conflict(row, "somebody else has just changed it: look again", what));
    }
    if !to.counts {
        counters::give_back(db, &row.charged, row.claimed_at.unwrap_or(now)).await?;
    }
    let data = json!({"from": row.command.status, "to": to.status, "outcome": to.outcome});
    events::append(db, &Event::new(now, what, row.command.id.to_string()).with_data(data)).await
}

/// Takes a command back that waits, or that a worker has and has not sent yet: such a worker is told when it wants to send.
pub(in crate::safari::queue) async fn cancel(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<()> {
    const WHAT: &str = "safari.cancelled";
    claim::lock_slot(db).await?;
    let row = locked(db, id, "cancel").await?;
    let is_unsent = row.lease_until.is_some() && row.dispatched_at.is_none();
    let needs_mark = row.command.verb().is_some_and(crate::safari::Verb::needs_browser);
    match row.command.status {
        CommandStatus::Pending => {}
        CommandStatus::Running if is_unsent && needs_mark => {}
        CommandStatus::Running => return Err(conflict(&row, "it is being worked on: it can no longer be taken back", "cancel")),
        CommandStatus::Cancelled => return Ok(()),
        _ => return Err(conflict(&row, "it is over: there is nothing to take back", "cancel")),
    }
    let to = Move {
        status: CommandStatus::Cancelled,
        outcome: None,
        error: Some("a person cancelled it"),
        retry_count: row.command.retry_count,
        due_at: None,
        counts: false,
    };
    change(db, &row, &to, WHAT, now).await
}

/// A person's word about an unknown outcome.
pub(in crate::safari::queue) async fn resolve(db: &mut Db<'_>, id: Id, resolution: Resolution, now: Timestamp) -> Result<()> {
    const WHAT: &str = "safari.resolved";
    let row = locked(db, id, "resolve").await?;
    if row.command.status != CommandStatus::Failed || row.outcome.as_deref() != Some("unknown") {
        return Err(conflict(&row, "only a command whose outcome is unknown can be resolved", "resolve"));
    }
    let retry_count = row.command.retry_count;
    let to = match resolution {
        Resolution::Happened => happened(retry_count),
        Resolution::Retry => again(),
        Resolution::Drop => Move {
            status: CommandStatus::Failed,
            outcome: Some("dropped"),
            error: Some("its outcome is unknown, and a person left it at that"),
            retry_count,
            due_at: None,
            counts: true,
        },
    };
    change(db, &row, &to, WHAT, now).await
}

/// A person's word about the call that a failed command stands for. One that was not done goes again when its call is sent again.
pub(in crate::safari::queue) async fn confirm(db: &mut Db<'_>, id: Id, verdict: Verdict, now: Timestamp) -> Result<()> {
    const WHAT: &str = "safari.resolved";
    let row = locked(db, id, "resolve").await?;
    if row.command.status != CommandStatus::Failed {
        return Err(conflict(&row, "only a failed command can be resolved", "resolve"));
    }
    let retry_count = row.command.retry_count;
    let to = match verdict {
        Verdict::Happened => happened(retry_count),
        Verdict::DidNotHappen => not_done("a person says that it was not done", retry_count),
    };
    change(db, &row, &to, WHAT, now).await
}

/// Ends a command that waits, as one that was certainly not done; one that somebody has begun with goes on.
pub(in crate::safari::queue) async fn lapse(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<()> {
    claim::lock_slot(db).await?;
    let row = locked(db, id, "take back").await?;
    if row.command.status != CommandStatus::Pending {
        return Ok(());
    }
    change(db, &row, &not_done("it waited too long", row.command.retry_count), "safari.lapsed", now).await
}

const fn not_done(error: &str, retry_count: u32) -> Move<'_> {
    Move { status: CommandStatus::Failed, outcome: Some("refused"), error: Some(error), retry_count, due_at: None, counts: false }
}

const fn happened<'a>(retry_count: u32) -> Move<'a> {
    Move { status: CommandStatus::Completed, outcome: Some("happened"), error: None, retry_count, due_at: None, counts: true }
}

const fn again<'a>() -> Move<'a> {
    Move { status: CommandStatus::Pending, outcome: None, error: None, retry_count: 0, due_at: None, counts: false }
}

/// Tries failed commands again, with all their repeats. Without ids: those that certainly were not done, at most `limit` of them; one
/// whose outcome is unknown only when a person names it.
pub(in crate::safari::queue) async fn retry(
    db: &mut Db<'_>,
    ids: Option<Vec<Id>>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Id>> {
    const WHAT: &str = "safari.retried";
    let is_named = ids.is_some();
    let ids = match ids {
        Some(ids) => ids,
        None => store::failed(db, limit).await?,
    };
    let mut retried = Vec::with_capacity(ids.len());
    for id in ids {
        let row = locked(db, id, "retry").await?;
        if row.command.status != CommandStatus::Failed || !row.command.is_ours() {
            if is_named {
                return Err(conflict(&row, "only a failed command of this queue can be tried again", "retry"));
            }
            continue;
        }
        if !is_named && row.outcome.as_deref() != Some("refused") {
            continue;
        }
        change(db, &row, &again(), WHAT, now).await?;
        retried.push(id);
    }
    Ok(retried)
}
