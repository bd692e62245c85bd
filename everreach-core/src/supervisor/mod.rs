//! Agents that stay alive: registered, started, watched, and started again for reasons that are told.
//!
//! # Law
//! An agent has at most one process, across crashes of the supervisor and two supervisors on one database. What is to run and does not is started
//! again, waits for a time that is known, is held for a cause that is told, or has been given up with an alert. A score restarts nothing;
//! reasons do. Nothing is started through a shell, outside the allowed roots, or while everything is stopped.
//!
//! | folder | what it is |
//! |---|---|
//! | `agent` | the definition of an agent, checked where it comes in |
//! | `circuit`, `lifecycle`, `diagnosis`, `health`, `routing` | the decisions, as functions of data and time |
//! | `launcher` | processes on this machine, their records and their logs |
//! | `registry` | what the database knows |
//! | `fleet` | the task that brings them together, and its handle, [`Supervisor`] |

mod agent;
mod circuit;
mod diagnosis;
mod fleet;
mod health;
mod launcher;
mod lifecycle;
mod registry;
mod routing;

pub use agent::{
    AgentDefinition, AgentId, AgentStatus, Capability, DeathPolicy, EntryPoint, HealthUrl, Limits, Reach, RestartPolicy,
    SecretRef, Tag,
};
pub use circuit::{AgentCircuit, AgentCircuitConfig, Start, StoredCircuit};
pub use diagnosis::{
    Diagnosis, End, Evidence, HostReading, Level, MemoryReading, Reason, Recovery, StartFailure, diagnose, recovery,
};
pub use fleet::{AgentView, CircuitView, Departure, HealthView, LastExit, Supervisor, SupervisorConfig, SupervisorParts};
pub use health::{
    Band, Cap, Components, Condition, HealthConfig, HealthResult, HealthWindow, HttpProbe, ProbeFailure, Score, ScoreInput, Sign,
    Standing, SteadyBand, Vitals, score,
};
pub use launcher::{
    Admitted, Adoption, AgentProcess, Incarnation, Launch, LauncherConfig, LogConfig, LogFiles, LogFollower, NativeLauncher,
    ProcessIdentity, ProcessLauncher, Programs, RunRecord, Secrets, StartError, StopHow, Stopped,
};
#[cfg(feature = "mock")]
pub use launcher::{MockAgentProcess, MockProcessLauncher};
pub use lifecycle::{
    BackoffConfig, Hold, HoldCause, HoldConfig, Lifecycle, LifecycleConfig, Order, Phase, StartThrottle, ThrottleConfig, Wanted,
};
pub use registry::{AgentRegistry, HealthRecord, ProcessNote, RegisteredAgent, Registration, RestartRecord};
pub use routing::{Candidate, Chosen, Excluded, Exclusion, NoAgent, TaskRequest, choose};
