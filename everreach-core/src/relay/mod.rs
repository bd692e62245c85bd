//! Calls that only the local machine can run, as rows of a database that both machines use.
//!
//! The cloud terminal writes a row where it would have to refuse; the local machine pulls it, runs the action and leaves the result
//! under the call's key. Messages, comments and whatever else Safari's queue knows become rows of `safari_command_queue`, everything
//! else rows of `actp_workflow_tasks`.
//!
//! # Law
//! One call is one row, and one run of its action: the row carries the call's key, row and journal are written together, and whoever
//! runs the row takes the call in the journal first. Rows of other programs are never touched.

mod commands;
mod config;
mod handover;
mod output;
mod puller;
mod rows;
mod standing;
mod store;
mod task;
#[cfg(test)]
mod tests;

pub use config::RelayConfig;
pub(crate) use handover::Relay;
pub(crate) use puller::PullerParts;
pub use puller::{PullSummary, Puller};
