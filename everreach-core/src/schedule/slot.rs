//! What is known of slots: the rows of the cron log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::{Error, ErrorKind, Result, Timestamp};

/// Where a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "these are the words of a column")]
pub enum SlotStatus {
    /// It was fired, and its steps are being run.
    Running,
    /// Every step that matters went well.
    Ok,
    /// A step that matters failed or was not started.
    Failed,
    /// Nobody fired it, and by the job's policy nobody does any more.
    Missed,
    /// It was fired, and whoever ran it vanished. It is not fired again by itself.
    Abandoned,
}

impl SlotStatus {
    const ALL: [Self; 5] = [Self::Running, Self::Ok, Self::Failed, Self::Missed, Self::Abandoned];

    /// The word for it in the log and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for SlotStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SlotStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a slot is running, ok, failed, missed or abandoned").with("seen", text)
        })
    }
}

/// A row that stands for a slot, as far as decisions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three facts that only mean something together")]
pub struct KnownSlot {
    /// Which slot.
    pub slot: Timestamp,
    /// When it was written, by the clock of whoever wrote it.
    pub written_at: Timestamp,
    /// Where it stands.
    pub status: SlotStatus,
}

/// What the log holds of one job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that tests build")]
pub struct KnownSlots {
    /// The rows that name their slot.
    pub rows: Vec<KnownSlot>,
    /// When other programs fired the job; their rows name no slot.
    pub foreign: Vec<Timestamp>,
    /// The oldest slot that is being run.
    pub running: Option<Timestamp>,
}

/// What becomes of a slot to be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nobody has settled it.
    Open,
    /// It is settled.
    Settled,
}

impl KnownSlots {
    /// Whether the slot, which lasts until `next`, is settled. A row that says `missed` and was written later than now was written by a
    /// clock that went wrong: its slot is open.
    pub(super) fn entry(&self, slot: Timestamp, next: Option<Timestamp>, now: Timestamp) -> Entry {
        let own = self.rows.iter().find(|row| row.slot == slot);
        let by_others = self.foreign.iter().any(|fired| *fired >= slot && next.is_none_or(|next| *fired < next));
        match own {
            _ if by_others => Entry::Settled,
            Some(row) if row.status == SlotStatus::Missed && row.written_at > now => Entry::Open,
            Some(_) => Entry::Settled,
            None => Entry::Open,
        }
    }
}

/// Why nobody fires a slot any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "each has its sentence")]
pub enum Missed {
    /// It was not fired on time, and its job does not catch up.
    NotOnTime {
        /// How late it was noticed.
        late: Duration,
    },
    /// It is older than what its job catches up.
    TooOld {
        /// The oldest that is fired.
        within: Duration,
    },
    /// A later slot was due too, and only the latest is fired.
    Superseded {
        /// The later slot.
        by: Timestamp,
    },
    /// More slots were due than its job catches up.
    TooMany {
        /// How many are fired.
        max: u16,
    },
    /// An earlier slot was still being run.
    Overlap {
        /// The earlier slot.
        running: Timestamp,
    },
    /// The other side may have fired it, and its log cannot be read here.
    Elsewhere,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOnTime { late } => {
                write!(f, "not on time: noticed {} s late, and this job does not catch up", late.as_secs())
            }
            Self::TooOld { within } => write!(f, "too old: this job catches up {} s at most", within.as_secs()),
            Self::Superseded { by } => write!(f, "superseded by the slot {}", super::slot_text(*by)),
            Self::TooMany { max } => write!(f, "too many: this job catches up {max} slots at most"),
            Self::Elsewhere => f.write_str("this side did not lead: the other side may have fired it"),
            Self::Overlap { running } => write!(f, "overlap: the slot {} was still running", super::slot_text(*running)),
        }
    }
}
