//! The event log: every decision and change of state, in `everreach_events`.
//!
//! Outward and money events are written with [`append`] in the transaction of what they tell of. The rest goes through
//! [`EventLog::record`], which batches: at most one second of those can be lost.

mod log;
mod store;

pub use log::{EventLog, RecordedEvent};
pub use store::append;
