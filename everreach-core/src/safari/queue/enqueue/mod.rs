//! Enqueueing: checked before anything is written, and all of a request or nothing.

mod new_command;
mod store;
mod writing;

pub(super) use new_command::prepare;
pub use new_command::{Enqueued, NewCommand};
pub(super) use store::by_key;
pub(super) use writing::write;
