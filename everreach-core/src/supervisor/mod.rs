//! Agents that stay alive: registered, started, watched, and started again for reasons that are told.
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
pub use launcher::logs::{LogConfig, LogFiles, LogFollower};
pub use launcher::{
    Admitted, Adoption, AgentProcess, Incarnation, Launch, LauncherConfig, NativeLauncher, ProcessIdentity, ProcessLauncher,
    Programs, RunRecord, Secrets, StartError, StopHow, Stopped,
};
pub use lifecycle::{
    BackoffConfig, Hold, HoldCause, HoldConfig, Lifecycle, LifecycleConfig, Order, Phase, StartThrottle, ThrottleConfig, Wanted,
};
pub use registry::{AgentRegistry, HealthRecord, ProcessNote, RegisteredAgent, Registration, RestartRecord};
pub use routing::{Candidate, Chosen, Excluded, Exclusion, NoAgent, TaskRequest, choose};
