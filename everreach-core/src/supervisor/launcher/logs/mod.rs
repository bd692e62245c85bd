//! What agents write: straight into files, bounded from the front.
//!
//! # Law
//! An agent's output and error output are its file, opened for appending: what it wrote is there whatever becomes of the supervisor, and the
//! supervisor never stands in its way. A file that has become too long loses its oldest part and nothing else, while the agent writes on.

mod bound;
mod files;
mod follow;
mod tail;
#[cfg(test)]
mod tests;

pub use files::{LogConfig, LogFiles};
pub use follow::LogFollower;
