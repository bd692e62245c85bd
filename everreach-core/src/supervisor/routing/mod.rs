//! Which agent gets a task.
//!
//! # Law
//! A task goes only to an agent that can do it, runs, is ready and has room. When there is none, the answer says of each why not.

mod candidate;
mod choice;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, Excluded, Exclusion};
pub use choice::{Chosen, NoAgent, TaskRequest, choose};
