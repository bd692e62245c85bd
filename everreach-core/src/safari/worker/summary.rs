//! What a run has come to.

use serde::Serialize;

use crate::safari::decision::Settlement;

/// How one claimed command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ended {
    /// Done.
    Completed,
    /// Not done, and not tried again by itself.
    Failed,
    /// Held for a person.
    Unknown,
    /// Waits for another try.
    Rescheduled,
    /// Somebody else has it by now; nothing was written.
    Lost,
}

impl From<Settlement> for Ended {
    fn from(settlement: Settlement) -> Self {
        match settlement {
            Settlement::Completed => Self::Completed,
            Settlement::Failed => Self::Failed,
            Settlement::Held => Self::Unknown,
            Settlement::Again { .. } => Self::Rescheduled,
        }
    }
}

/// What a run has come to, in commands.
///
/// ```
/// use everreach_core::safari::worker::{Ended, RunSummary};
/// let mut summary = RunSummary::default();
/// summary.add(Ended::Completed);
/// summary.add(Ended::Rescheduled);
/// assert_eq!((summary.executed, summary.completed, summary.rescheduled), (2, 1, 1));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// Claimed and ended.
    pub executed: u32,
    /// Of these: done.
    pub completed: u32,
    /// Not done, and not tried again by themselves.
    pub failed: u32,
    /// Held for a person.
    pub unknown: u32,
    /// Wait for another try.
    pub rescheduled: u32,
}

impl RunSummary {
    /// Counts one; a lost one is its new owner's to count.
    pub const fn add(&mut self, ended: Ended) {
        let counter = match ended {
            Ended::Completed => &mut self.completed,
            Ended::Failed => &mut self.failed,
            Ended::Unknown => &mut self.unknown,
            Ended::Rescheduled => &mut self.rescheduled,
            Ended::Lost => return,
        };
        *counter += 1;
        self.executed += 1;
    }
}
