//! A command: one row of the queue, as data.
//!
//! # Law
//! A row is kept as it was written, by whoever wrote it; only the gate reads meaning into it.

mod params;
mod row;
mod status;

pub use params::params_object;
pub use row::Command;
pub use status::CommandStatus;
