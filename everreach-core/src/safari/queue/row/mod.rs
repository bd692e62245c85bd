//! A row as the table holds it: the command, and what only the queue needs to know of it.

mod moment;
mod store;
mod stored;

pub(super) use moment::Moment;
pub(super) use store::{Changing, as_text, columns, one_value};
pub(super) use stored::{Key, QueueRow, RawRow, readable};
