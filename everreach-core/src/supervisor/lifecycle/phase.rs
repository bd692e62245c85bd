//! Where an agent is in its life.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::supervisor::agent::AgentStatus;
use crate::supervisor::diagnosis::Reason;

/// What somebody wants of an agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "it runs or it does not")]
pub enum Wanted {
    /// That it runs.
    Running,
    /// That it does not.
    #[default]
    Stopped,
}

impl Wanted {
    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// Where an agent is in its life. Times are monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It does not run and is not going to by itself.
    Idle {
        /// How that is called.
        status: AgentStatus,
    },
    /// It is started at this time, or later.
    Waiting {
        /// When.
        until: Duration,
    },
    /// It is started once what it and others need is back.
    Held,
    /// Its process is being made, or runs and was not ready yet.
    Starting {
        /// When the start was made.
        since: Duration,
        /// Whether its process is there.
        has_process: bool,
    },
    /// It runs.
    Running {
        /// Since when it is ready without a break; none while it is not.
        ready_since: Option<Duration>,
    },
    /// It was asked to end.
    Stopping {
        /// Why.
        reason: Reason,
        /// Whether it is started again after that.
        again: bool,
    },
}
