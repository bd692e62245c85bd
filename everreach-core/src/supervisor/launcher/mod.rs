//! Starting and ending processes.
//!
//! # Law
//! An argv under allowed roots, never a shell, in an environment built from nothing. A process is known by its number, its birth and the start
//! of its machine together, so that a stranger with its number is never signalled. What an agent leaves behind ends with it. What it writes
//! goes straight into a file, so that no end of the supervisor loses a line.

mod admission;
mod environment;
mod identity;
pub mod logs;
mod native;
mod platform;
mod process;
mod process_launcher;
mod record;
mod table;
#[cfg(test)]
mod tests;

pub use admission::{Admitted, Programs};
pub use environment::Secrets;
pub use identity::{Incarnation, ProcessIdentity};
pub use native::{LauncherConfig, NativeLauncher};
pub use process_launcher::{Adoption, AgentProcess, Launch, ProcessLauncher, StartError, StopHow, Stopped};
pub use record::RunRecord;
