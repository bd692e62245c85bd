//! What is asked for, and what comes back.

use serde::Serialize;

use crate::ledger::IdempotencyKey;
use crate::safari::decision::needs_approval;
use crate::safari::gate::{Dispatchable, check};
use crate::safari::queue::lane::lane_of;
use crate::safari::{Command, CommandStatus, Verb};
use crate::{Error, ErrorKind, Id, Result, Timestamp};

/// A command to be written into the queue.
///
/// ```
/// use everreach_core::safari::queue::NewCommand;
/// use everreach_core::safari::{Command, Platform};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let command = Command::dm(Platform::Twitter, "bob", "hello", now);
/// let new = NewCommand::new(command).with_key("welcome-bob".parse()?).with_priority(1).in_campaign("spring");
/// assert_eq!((new.command.priority, new.command.campaign_id.as_deref()), (1, Some("spring")));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewCommand {
    /// The command; its status, worker and times of writing are set by the queue.
    pub command: Command,
    /// A second command with the same key is not written.
    pub key: Option<IdempotencyKey>,
}

impl NewCommand {
    /// A command without a key.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self { command, key: None }
    }

    /// Writes it once however often it is asked for.
    #[must_use]
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Lower goes first; 5 when nobody says.
    #[must_use]
    pub const fn with_priority(mut self, priority: i32) -> Self {
        self.command.priority = priority;
        self
    }

    /// Not before this time.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb, queue::NewCommand};
    /// # let now: everreach_core::Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// assert_eq!(NewCommand::new(Command::new(Verb::Score, now)).at(now).command.scheduled_for, Some(now));
    /// ```
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.command.scheduled_for = Some(time);
        self
    }

    /// Belongs to a campaign.
    #[must_use]
    pub fn in_campaign(mut self, campaign: impl Into<String>) -> Self {
        self.command.campaign_id = Some(campaign.into());
        self
    }

    /// Belongs to a batch.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb, queue::NewCommand};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let new = NewCommand::new(Command::new(Verb::Score, now)).in_batch("monday");
    /// assert_eq!(new.command.batch_id.as_deref(), Some("monday"));
    /// ```
    #[must_use]
    pub fn in_batch(mut self, batch: impl Into<String>) -> Self {
        self.command.batch_id = Some(batch.into());
        self
    }
}

/// What became of a command that was to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Enqueued {
    /// Its id: the earlier command's when the key was known.
    pub id: Id,
    /// Where it stands.
    pub status: CommandStatus,
    /// Whether it was written now; `false` when the key was known.
    pub created: bool,
    /// The batch or campaign that a person has to agree to before it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// A command that has been checked, in the form in which it is written.
#[derive(Debug)]
pub(in crate::safari::queue) struct Prepared {
    pub(super) new: NewCommand,
    pub(super) lane: String,
    pub(super) contact: Option<String>,
    pub(super) is_dm: bool,
}

impl Prepared {
    fn of(new: NewCommand) -> Result<Self> {
        let dispatchable: Dispatchable = check(&new.command)?;
        Ok(Self {
            lane: lane_of(&dispatchable),
            contact: dispatchable.contact().map(ToString::to_string),
            is_dm: dispatchable.verb() == Verb::SendDm,
            new,
        })
    }
}

/// Checks everything that can be checked without the database. A request of many messages becomes one batch, unless it is one.
pub(in crate::safari::queue) fn prepare(commands: Vec<NewCommand>) -> Result<Vec<Prepared>> {
    let mut prepared = Vec::with_capacity(commands.len());
    for (index, mut new) in commands.into_iter().enumerate() {
        // PostgreSQL's jsonb holds every character but this one.
        if new.command.params.to_string().contains("\\u0000") {
            let error = Error::new(ErrorKind::InvalidParams, "a parameter holds the character U+0000: leave it out");
            return Err(error.with_operation("enqueue").with("command", index));
        }
        new.command.status = CommandStatus::Pending;
        let id = new.command.id;
        prepared.push(Prepared::of(new).map_err(|error| error.with("command", index).with("id", id))?);
    }
    let dms = prepared.iter().filter(|one| one.is_dm).count();
    if needs_approval(u32::try_from(dms).unwrap_or(u32::MAX)) {
        make_one_group(&mut prepared)?;
    }
    Ok(prepared)
}

fn make_one_group(prepared: &mut [Prepared]) -> Result<()> {
    let request = Id::new().to_string();
    let dms = || prepared.iter().filter(|one| one.is_dm).map(|one| &one.new.command);
    let mut groups: Vec<_> = dms().map(|command| (command.campaign_id.clone(), command.batch_id.clone())).collect();
    groups.sort_unstable();
    groups.dedup();
    let [(campaign, batch)] = groups.as_slice() else {
        let message =
            "more than 10 messages in one request need one person's word: give them the same campaign or batch, or none";
        return Err(Error::new(ErrorKind::InvalidInput, message).with_operation("enqueue").with("groups", groups.len()));
    };
    if campaign.is_none() && batch.is_none() {
        for one in prepared.iter_mut().filter(|one| one.is_dm) {
            one.new.command.batch_id = Some(request.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safari::Platform;

    fn dms(count: usize) -> Vec<NewCommand> {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        let dm = |number| NewCommand::new(Command::dm(Platform::Twitter, &format!("bob{number}"), "hi", now));
        (0..count).map(dm).collect()
    }

    #[test]
    fn ten_messages_stay_single_and_eleven_become_a_batch() {
        let ten = prepare(dms(10)).expect("fine");
        assert!(ten.iter().all(|one| one.new.command.batch_id.is_none()));
        let eleven = prepare(dms(11)).expect("fine");
        let batch = eleven[0].new.command.batch_id.clone().expect("a batch");
        assert!(eleven.iter().all(|one| one.new.command.batch_id.as_ref() == Some(&batch)));
    }

    #[test]
    fn many_messages_cannot_be_spread_over_many_batches() {
        let spread = dms(11).into_iter().enumerate().map(|(number, new)| new.in_batch(format!("batch {number}")));
        let error = prepare(spread.collect()).expect_err("eleven batches of one");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn the_first_wrong_command_is_named() {
        let mut commands = dms(3);
        commands[1].command.params["username"] = "bob'; open /".into();
        let error = prepare(commands).expect_err("a quote");
        assert!(error.context().any(|(name, value)| name == "command" && value == "1"), "{error}");
    }
}
