//! The schedule: jobs as data, each of whose slots is fired once or logged as missed.
//!
//! # Law
//! A slot is a moment of a job, the same on every machine, and a row of `actp_cron_log`: whoever inserts it fires it, once, under an
//! authority that is proven in the same transaction. A slot that was fired is never fired again by itself, whatever became of its run;
//! one that is not fired is logged with the reason. Steps are routed under keys made of the job, the slot and the step, so that a
//! repeat finds them done.
//!
//! Which slots are due is decided by [`due`], a function of the job, the log and the time. [`Schedule`] is the shell around it.

mod apart;
mod config;
mod decision;
pub mod eventbridge;
mod handle;
mod handover;
mod holdings;
mod job;
mod jobs;
mod part;
mod raw;
mod record;
mod recovery;
mod rounds;
mod run;
mod slot;
mod store;
#[cfg(test)]
mod tests;
mod timing;
mod trigger;

pub use config::ScheduleConfig;
pub use decision::{Due, Mark, Plan, due};
pub use handle::{JobOverview, NextSlot, Schedule, ScheduleParts, ScheduleState};
pub use job::{ChainStep, FiresOn, Job, JobName, MissedRuns, Overlap};
pub use jobs::Jobs;
pub use part::Part;
pub use record::{Origin, SlotRecord, StepRecord};
pub use rounds::RoundSummary;
use run::Need;
pub use slot::{KnownSlot, KnownSlots, Missed, SlotStatus};
pub use timing::{Timing, zone};
pub use trigger::{Trigger, Triggered};

use crate::Timestamp;

/// A slot as people and keys name it.
fn slot_text(slot: Timestamp) -> String {
    slot.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
