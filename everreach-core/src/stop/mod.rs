//! The stop switch: one row in the database and the file `STOP` in the data directory.
//!
//! # Law
//! Either of them stops everything outward. Whoever is about to act outward asks [`StopSwitch::check_now`], which reads both afresh
//! and fails when it cannot; [`StopSwitch::is_stopped`] is at most a quarter of a second old while [`StopSwitch::watch`] runs.

mod file;
mod store;
mod switch;
#[cfg(test)]
mod tests;

pub use switch::{StopState, StopSwitch};
