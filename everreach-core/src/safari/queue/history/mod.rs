//! What is and what was in the queue, for people.

mod entry;
mod reading;
mod statistics;
mod store;

pub use entry::{AttemptRecord, CommandDetail, Cursor, Entry, HistoryFilter, Page};
pub(super) use reading::{Asking, detail, page};
pub(super) use statistics::statistics;
pub use statistics::{CombinedUsage, LimitUsage, Statistics, StatusCount};
pub(super) use store::{ended_of, ids_of, prune_attempts};
