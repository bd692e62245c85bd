//! Commands that stand for a journaled call: written in the call's own transaction, found again by its key.

use super::{NewCommand, enqueue, finish};
use crate::ledger::{IdempotencyKey, Verdict};
use crate::safari::Command;
use crate::store::Db;
use crate::{Id, Result, Timestamp};

/// A command under a key, and what became of it.
#[derive(Debug)]
pub(crate) struct KeyedCommand {
    pub(crate) command: Command,
    /// The word of its outcome, once it has one.
    pub(crate) outcome: Option<String>,
}

/// Writes one command, unless there is one with its key already. Other processes are told when the transaction ends.
pub(crate) async fn enqueue_keyed(db: &mut Db<'_>, new: NewCommand, now: Timestamp) -> Result<()> {
    enqueue::write(db, enqueue::prepare(vec![new])?, now).await.map(drop)
}

/// The command under a key.
pub(crate) async fn find_keyed(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Option<KeyedCommand>> {
    let row = enqueue::by_key(db, key.as_str()).await?;
    Ok(row.map(|row| KeyedCommand { command: row.command, outcome: row.outcome }))
}

/// Lets a failed command be tried again, with all its repeats.
pub(crate) async fn retry_keyed(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<()> {
    finish::retry(db, Some(vec![id]), 1, now).await.map(drop)
}

/// Ends a failed command by a person's word about the call that it stands for.
pub(crate) async fn confirm_keyed(db: &mut Db<'_>, id: Id, verdict: Verdict, now: Timestamp) -> Result<()> {
    finish::confirm(db, id, verdict, now).await
}

/// Ends a command that has waited too long, unless somebody has begun with it.
pub(crate) async fn lapse_keyed(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<()> {
    finish::lapse(db, id, now).await
}
