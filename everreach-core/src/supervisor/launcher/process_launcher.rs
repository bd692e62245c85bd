//! The launcher and the processes that it makes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::{Incarnation, ProcessIdentity, RunRecord};
use crate::supervisor::agent::{AgentDefinition, AgentId};
use crate::supervisor::diagnosis::{End, HostReading, StartFailure};
use crate::{Error, Result};

/// Starts processes, and finds those again that an earlier supervisor started.
///
/// # Law
/// What it starts is found again by [`ProcessLauncher::adopt`], whatever moment this process is killed at. It never signals a process
/// that it did not start.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ProcessLauncher: fmt::Debug + Send + Sync + 'static {
    /// Makes the process of an agent.
    ///
    /// # Errors
    /// [`StartError`], with what kind of failure it was. No process is there then.
    async fn spawn(&self, launch: Launch) -> Result<Arc<dyn AgentProcess>, StartError>;

    /// What earlier supervisors wrote down about their runs.
    ///
    /// # Errors
    /// When the state directory cannot be read.
    async fn records(&self) -> Result<Vec<RunRecord>>;

    /// Takes the process of a record over, if it is alive and that very one.
    async fn adopt(&self, record: &RunRecord) -> Adoption;

    /// Forgets the record of a run that ended.
    async fn forget(&self, record: &RunRecord);

    /// The memory of each run that has processes, in bytes, with all that came of it.
    async fn memory(&self) -> HashMap<Incarnation, u64>;

    /// Which start of which machine the processes of this launcher belong to.
    fn boot(&self) -> String;

    /// The machine, with the disk that this folder is on, and how many processes its kernel ended for want of memory so far.
    async fn host(&self, folder: &Path) -> (HostReading, Option<u64>);

    /// Keeps what agents wrote within its bounds; `running` are the runs that are on.
    async fn bound_logs(&self, running: Vec<(AgentId, Option<Incarnation>)>);

    /// The end of what a run wrote, at most this many bytes.
    async fn log_tail(&self, agent: &AgentId, incarnation: &Incarnation, most: usize) -> String;
}

const _OBJECT_SAFE: Option<&dyn ProcessLauncher> = None;

/// The process of an agent.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AgentProcess: fmt::Debug + Send + Sync + 'static {
    /// What is written down about it.
    fn record(&self) -> &RunRecord;

    /// Waits until it has ended, and all that it left behind with it.
    async fn ended(&self) -> End;

    /// Asks it to end, waits for so long, and ends it; all that it left behind too.
    async fn terminate(&self, grace: Duration) -> Stopped;

    /// Whether it is alive, asked now.
    fn is_alive(&self) -> bool;
}

/// What is to be started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Launch {
    /// The agent.
    pub definition: AgentDefinition,
    /// The run.
    pub incarnation: Incarnation,
    /// Variables beside those of the definition, such as where heartbeats go.
    pub extra: BTreeMap<String, String>,
}

impl Launch {
    /// A new run of an agent.
    #[must_use]
    pub fn new(definition: AgentDefinition) -> Self {
        Self { definition, incarnation: Incarnation::random(), extra: BTreeMap::new() }
    }
}

/// Why a process could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartError {
    /// What kind of failure it is.
    pub failure: StartFailure,
    /// The failure itself.
    pub error: Error,
}

impl StartError {
    /// A failure of this kind.
    #[must_use]
    pub const fn new(failure: StartFailure, error: Error) -> Self {
        Self { failure, error }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<StartError> for Error {
    fn from(start: StartError) -> Self {
        start.error
    }
}

/// What came of looking for the process of a record.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "whoever looks has to answer each of them")]
pub enum Adoption {
    /// It lives, and is held.
    Alive(Arc<dyn AgentProcess>),
    /// It is dead, and nothing of it is left.
    Dead {
        /// Whether the machine was started anew since.
        is_after_reboot: bool,
    },
    /// It cannot be told whether it lives: it is not to be started again.
    Unclear,
}

/// How a process was brought to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "these are the ways there are")]
pub enum StopHow {
    /// It ended when it was asked to.
    Term,
    /// It had to be killed.
    Kill,
    /// It had ended already.
    AlreadyDead,
}

/// What came of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stopped {
    /// How it ended.
    pub how: StopHow,
    /// How many of its processes are left all the same: 0, unless the system itself does not let go of them.
    pub survivors: usize,
}

impl Stopped {
    /// A stop with these results.
    #[must_use]
    pub const fn new(how: StopHow, survivors: usize) -> Self {
        Self { how, survivors }
    }
}

impl ProcessIdentity {
    /// The number as tables have it.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.pid as i64
    }
}
