//! What campaigns do with the queue inside a transaction of their own.

use std::collections::BTreeMap;

use super::history::ended_of;
use super::row::Key;
use super::{Enqueued, NewCommand, SafariQueue, claim, enqueue, finish, groups};
use crate::safari::Command;
use crate::safari::decision::{DmGroupApproval, needs_approval};
use crate::store::Db;
use crate::{ErrorKind, Id, Result, Timestamp};

/// A command that is over, and what became of it.
#[derive(Debug)]
pub(in crate::safari) struct EndedCommand {
    pub(in crate::safari) command: Command,
    pub(in crate::safari) outcome: Option<String>,
}

/// Writes commands as [`SafariQueue::enqueue`] does; tell those who wait once it is committed.
pub(in crate::safari) async fn enqueue_within(
    db: &mut Db<'_>,
    commands: Vec<NewCommand>,
    now: Timestamp,
) -> Result<Vec<Enqueued>> {
    enqueue::write(db, enqueue::prepare(commands)?, now).await
}

/// Asks a person about a group before its first message is written, when it will hold too many; from then on it is held.
pub(in crate::safari) async fn expect_dms(
    db: &mut Db<'_>,
    group: &str,
    dms: u32,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    if needs_approval(dms) {
        groups::count_until(db, [(group.to_owned(), dms)].into(), now, expires_at).await?;
    }
    Ok(())
}

/// What a person said about these campaigns, where they were asked.
pub(in crate::safari) async fn approvals(db: &mut Db<'_>, campaigns: &[String]) -> Result<BTreeMap<String, DmGroupApproval>> {
    let groups = groups::find(db, campaigns).await?;
    Ok(groups.into_iter().map(|(id, group)| (id, group.approval)).collect())
}

/// Lets the commands of a campaign that is resumed be looked at, and asks about its messages again when nobody answered in time.
pub(in crate::safari) async fn take_up(db: &mut Db<'_>, campaign: &str, now: Timestamp, expires_at: Timestamp) -> Result<()> {
    groups::expire(db, now).await?;
    groups::take_up(db, campaign, now, expires_at).await
}

/// Takes commands back that wait; those that are being sent or over stay.
pub(in crate::safari) async fn cancel_within(db: &mut Db<'_>, ids: &[Id], now: Timestamp) -> Result<()> {
    for id in ids {
        match finish::cancel(db, *id, now).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Those of these commands that are over.
pub(in crate::safari) async fn ended_within(db: &mut Db<'_>, ids: &[Id]) -> Result<Vec<EndedCommand>> {
    let rows = ended_of(db, ids).await?;
    Ok(rows.into_iter().map(|row| EndedCommand { command: row.command, outcome: row.outcome }).collect())
}

/// Safari, held for something that is no command.
#[derive(Debug)]
pub(in crate::safari) struct BrowserHold {
    fence: i64,
}

impl SafariQueue {
    /// Takes Safari for something that is no command, until the hold is returned or this time has come; nothing when it is in use or rests.
    pub(in crate::safari) async fn hold_browser(&self, holder: &'static str, until: Timestamp) -> Result<Option<BrowserHold>> {
        let now = self.clock.now();
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let slot = claim::lock_slot(&mut db).await?;
                    if slot.held_until(now).is_some() || slot.rest_until.is_some_and(|rest| rest > now) {
                        return Ok(None);
                    }
                    let fence = claim::take_slot(&mut db, holder, &Key::of(Id::new()), until).await?;
                    Ok(Some(BrowserHold { fence }))
                })
            })
            .await
    }

    /// Gives Safari back.
    pub(in crate::safari) async fn return_browser(&self, hold: BrowserHold) -> Result<()> {
        self.store.write(move |mut db| Box::pin(async move { claim::return_slot(&mut db, hold.fence, None).await })).await?;
        self.told();
        Ok(())
    }

    /// Closes questions that nobody answered in time, so that campaigns hear of it before anything is claimed.
    pub(in crate::safari) async fn close_questions(&self) -> Result<()> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        let is_any = groups::is_any_late(&mut connection.db(), now).await?;
        drop(connection);
        if is_any {
            self.store.write(move |mut db| Box::pin(async move { groups::expire(&mut db, now).await })).await?;
            self.events.announce();
        }
        Ok(())
    }

    /// Tells those who wait, after something was enqueued in a transaction of somebody else.
    pub(in crate::safari) fn written_within(&self) {
        self.told();
    }
}
