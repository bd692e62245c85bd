//! What is shown of a command.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use crate::safari::{Command, CommandStatus, Platform};
use crate::store::Stamp;
use crate::{Error, ErrorKind, Id, Timestamp};

/// Which commands are wanted.
///
/// ```
/// use everreach_core::safari::queue::HistoryFilter;
/// use everreach_core::safari::{CommandStatus, Platform};
/// let mut filter = HistoryFilter::default();
/// (filter.platform, filter.status) = (Some(Platform::Twitter), Some(CommandStatus::Failed));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryFilter {
    /// Of this platform.
    pub platform: Option<Platform>,
    /// With this action, one of ours or not.
    pub action: Option<String>,
    /// That stand there.
    pub status: Option<CommandStatus>,
    /// Of this campaign.
    pub campaign: Option<String>,
}

/// Where a page ends: the next one begins after it.
///
/// ```
/// use everreach_core::safari::queue::Cursor;
/// let text = "2026-11-20T12:00:00.000000Z_01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b";
/// assert_eq!(text.parse::<Cursor>()?.to_string(), text);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) created_at: Timestamp,
    pub(super) id: Id,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", Stamp(self.created_at), self.id)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('_').and_then(|(at, id)| Some((Stamp::parse(at)?.0, id.parse().ok()?)));
        let (created_at, id) = parts.ok_or_else(|| {
            let message = "a cursor is what the page before answered as `next`: leave it out for the first page";
            Error::new(ErrorKind::InvalidInput, message).with("seen", text.escape_debug())
        })?;
        Ok(Self { created_at, id })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A command with where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The command.
    #[serde(flatten)]
    pub command: Command,
    /// What became of it: `sent`, `sent_unverified`, `duplicate`, `refused`, `unknown`, and by a person's word `happened` or `dropped`.
    pub outcome: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is where it is, in one sentence.
    pub why: String,
}

/// Some of the commands, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Page {
    /// They.
    pub commands: Vec<Entry>,
    /// Where the next page begins; none at the end.
    pub next: Option<Cursor>,
}

impl Page {
    pub(super) const fn new(commands: Vec<Entry>, next: Option<Cursor>) -> Self {
        Self { commands, next }
    }
}

/// A line of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Which try it was; the first is 1.
    pub number: u32,
    /// Who tried.
    pub worker_id: String,
    /// The service that was asked.
    pub service: Option<String>,
    /// When the command was claimed for it.
    pub started_at: Timestamp,
    /// When the request was about to leave; without it nothing left.
    pub dispatched_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What became of it: a [`DispatchVerdict`](crate::safari::DispatchVerdict)'s word.
    pub verdict: Option<String>,
    /// The code of a [`Reason`](crate::safari::Reason).
    pub reason: Option<String>,
    /// The same as a sentence.
    pub detail: Option<String>,
    /// What the service answered.
    pub answer: Option<Value>,
}

/// A command with its tries.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CommandDetail {
    /// The command.
    #[serde(flatten)]
    pub entry: Entry,
    /// Its tries, oldest first; one that runs and has sent nothing yet has no line.
    pub tries: Vec<AttemptRecord>,
}

impl CommandDetail {
    pub(super) const fn new(entry: Entry, tries: Vec<AttemptRecord>) -> Self {
        Self { entry, tries }
    }
}
