//! The row of a call: which one it becomes, writing it once, and reading where it stands.

use super::commands::command_for;
use super::config::RelayConfig;
use super::output::{End, confirmed, refused};
use super::standing::{Standing, of_command, of_task};
use super::store::{self, NewTask};
use super::task::{input_of, lapsed, row_key};
use crate::ledger::{IdempotencyKey, Verdict};
use crate::routing::Call;
use crate::safari::queue::{NewCommand, confirm_keyed, enqueue_keyed, find_keyed, lapse_keyed, retry_keyed};
use crate::store::Db;
use crate::{Error, ErrorKind, Id, Outcome, Result, Timestamp};

/// What a call becomes.
#[derive(Debug)]
pub(super) enum NewRow {
    /// A row of `safari_command_queue`.
    Command(Box<NewCommand>),
    /// A row of `actp_workflow_tasks`.
    Task(NewTask),
}

impl NewRow {
    /// The row of a call, checked as far as can be done without a database.
    pub(super) fn of(call: &Call, key: &IdempotencyKey, config: &RelayConfig, now: Timestamp) -> Result<Self> {
        if let Some(command) = command_for(&call.action, &call.params, now)? {
            return Ok(Self::Command(Box::new(NewCommand::new(command).with_key(row_key(key).parse()?))));
        }
        Ok(Self::Task(NewTask {
            id: Id::new(),
            task_type: config.type_of(&call.action).to_owned(),
            input: input_of(call, key, now + config.longest_wait)?,
            timeout_minutes: config.timeout_minutes,
        }))
    }
}

/// Writes the row of a call, or finds the one it has; one that certainly did nothing goes again. Answers where it stands then.
pub(super) async fn write(db: &mut Db<'_>, row: NewRow, key: &IdempotencyKey, now: Timestamp) -> Result<Standing> {
    let name = row_key(key);
    match row {
        NewRow::Command(new) => {
            let name = name.parse()?;
            enqueue_keyed(db, *new, now).await?;
            let found = find_keyed(db, &name).await?.ok_or_else(|| vanished(key))?;
            let standing = of_command(&found);
            if !standing.may_go_again {
                return Ok(standing);
            }
            retry_keyed(db, found.command.id, now).await?;
            Ok(of_command(&find_keyed(db, &name).await?.ok_or_else(|| vanished(key))?))
        }
        NewRow::Task(task) => {
            store::insert(db, &task, &name, now).await?;
            let found = store::by_key(db, &name).await?.ok_or_else(|| vanished(key))?;
            let standing = of_task(&found);
            if !standing.may_go_again {
                return Ok(standing);
            }
            store::rearm(db, found.id, &task.input).await?;
            Ok(of_task(&store::by_key(db, &name).await?.ok_or_else(|| vanished(key))?))
        }
    }
}

/// Where the row of a call stands.
#[derive(Debug)]
pub(super) enum Found {
    Command(Standing),
    Task(Standing),
    Nothing,
}

pub(super) async fn find(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Found> {
    let name = row_key(key);
    if let Some(keyed) = find_keyed(db, &name.parse()?).await? {
        return Ok(Found::Command(of_command(&keyed)));
    }
    Ok(store::by_key(db, &name).await?.map_or(Found::Nothing, |task| Found::Task(of_task(&task))))
}

/// Writes a person's word about a call into its row, if it has one: a row that says something else would overrule it.
pub(super) async fn confirm(db: &mut Db<'_>, key: &IdempotencyKey, verdict: Verdict, now: Timestamp) -> Result<()> {
    let name = row_key(key);
    if let Some(keyed) = find_keyed(db, &name.parse()?).await? {
        return confirm_keyed(db, keyed.command.id, verdict, now).await;
    }
    let Some(task) = store::by_key(db, &name).await? else { return Ok(()) };
    let (status, output, error) = confirmed(verdict);
    store::confirm(db, task.id, (status, &output, error), now).await
}

/// Ends the row of a call that has waited too long, unless somebody has begun with it: sending the call again lets it go again.
pub(super) async fn lapse(db: &mut Db<'_>, key: &IdempotencyKey, now: Timestamp) -> Result<()> {
    let name = row_key(key);
    if let Some(keyed) = find_keyed(db, &name.parse()?).await? {
        return lapse_keyed(db, keyed.command.id, now).await;
    }
    let Some(task) = store::by_key(db, &name).await? else { return Ok(()) };
    let End::Over { status, output, error } = refused(&lapsed()) else { return Ok(()) };
    store::lapse(db, task.id, (status, &output, error.as_deref()), now).await
}

/// Removes tasks of ours that ended before this time.
pub(super) async fn prune(db: &mut Db<'_>, oldest: Timestamp) -> Result<()> {
    store::prune(db, oldest).await
}

/// A row that was there a moment ago, or that nobody knows of: it may have been sent before it vanished.
pub(super) fn gone() -> Standing {
    let detail = "the row of this call is gone: whether it was carried out before is not known";
    Standing::failed(Outcome::Unknown, ErrorKind::OutcomeUnknown, detail.to_owned())
}

fn vanished(key: &IdempotencyKey) -> Error {
    Error::new(ErrorKind::StoreUnavailable, "the row of this call keeps vanishing: try again").with("idempotency_key", key)
}
