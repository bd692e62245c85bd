//! The durable queue: commands as rows of `safari_command_queue`, which other programs share.
//!
//! # Law
//! What was enqueued is kept. A row is worked on by one worker at a time, told by its attempt's number; what may have reached a person
//! is held and never repeated by itself. Limits are counted in the claim's own transaction, and Safari is driven by one command at a
//! time, over all workers and processes. Rows of other programs are never touched.

mod changes;
mod claim;
mod config;
mod counters;
mod enqueue;
mod finish;
mod groups;
mod history;
mod keyed;
mod lane;
mod looks;
mod people;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod replied_tests;
mod row;
mod safari_queue;
mod wake;
mod within;
mod working;
mod worth;

pub use claim::Claimed;
pub(in crate::safari) use claim::{Lease, Probe, Wanted, blocked_by};
pub use config::QueueConfig;
pub use enqueue::{Enqueued, NewCommand};
pub(in crate::safari) use finish::Ends;
pub use finish::{Finish, Resolution};
pub use groups::WaitingGroup;
pub use history::{
    AttemptRecord, CombinedUsage, CommandDetail, Cursor, Entry, HistoryFilter, LimitUsage, Page, Statistics, StatusCount,
};
pub(crate) use keyed::{KeyedCommand, confirm_keyed, enqueue_keyed, find_keyed, lapse_keyed, retry_keyed};
pub use people::{Denial, Denied};
pub use safari_queue::SafariQueue;
pub(in crate::safari) use within::{EndedCommand, approvals, cancel_within, ended_within, enqueue_within, expect_dms, take_up};
