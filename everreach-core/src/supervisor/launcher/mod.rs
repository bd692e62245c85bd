//! Starting and ending processes.
//!
//! # Law
//! An argv under allowed roots, never a shell, in an environment built from nothing. A process is known by its number, its birth and the start
//! of its machine together, so that a stranger with its number is never signalled. What an agent leaves behind ends with it. What it writes
//! goes straight into a file, so that no end of the supervisor loses a line.

mod admission;
mod environment;
mod identity;
mod logs;
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
pub use logs::{LogConfig, LogFiles, LogFollower};
pub use native::{LauncherConfig, NativeLauncher};
pub use process_launcher::{Adoption, AgentProcess, Launch, ProcessLauncher, StartError, StopHow, Stopped};
#[cfg(feature = "mock")]
pub use process_launcher::{MockAgentProcess, MockProcessLauncher};
pub use record::RunRecord;
