//! Claiming: compare-and-set, our own verbs only, lowest number first, then oldest.
//!
//! # Law
//! A row is claimed by one worker at a time, Safari by one command at a time, and what a command takes from the limits is taken in
//! the transaction of its claim.

mod browser;
mod claimed;
mod free;
mod housekeeping;
mod lease;
mod probe;
mod slot;
mod store;

pub(super) use browser::{Search, claim_browser, enrich, surroundings};
pub use claimed::Claimed;
pub(super) use free::claim_free;
pub(super) use housekeeping::tidy;
pub(in crate::safari) use lease::{Lease, Wanted};
pub(super) use lease::{give_back, renew_many};
pub(in crate::safari) use probe::Probe;
pub(super) use probe::probe;
pub(super) use slot::{lock_slot, mark_dispatched, renew, return_slot, slot, take_slot};
pub(in crate::safari) use store::blocked_by;

/// What is asked of SQLite for each claim, and of each service that is down.
#[cfg(test)]
pub(super) const SQLITE_STATEMENTS: [&[&str]; 3] = [&[probe::PROBE], &store::SQLITE_STATEMENTS, &housekeeping::SQLITE_STATEMENTS];
