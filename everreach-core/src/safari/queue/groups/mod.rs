//! Campaigns and batches: how many messages they hold, and what a person said about the large ones.

mod deciding;
mod store;

pub use deciding::WaitingGroup;
pub(super) use deciding::{adopt, count, count_until, decide, expire, find, for_commands, is_any_late, take_up, waiting};
pub(super) use store::{HELD, has_replied};
