//! Doubles and conformance suites for code that uses or implements the core's traits (feature `mock`).
//!
//! A suite states a trait's law as checks that any implementation can run. Each answers with a `Result`; the error names the law that does
//! not hold and what was seen instead.
//!
//! | trait | suite |
//! |---|---|
//! | [`Executor`](crate::routing::Executor) | [`ExecutorConformance`] |
//! | [`Classifier`](crate::routing::Classifier) | [`classifier::check`] |
//! | [`CostGuard`](crate::cost::CostGuard) | [`cost_guard::check`] |
//! | [`SwarmCoordinator`](crate::swarm::SwarmCoordinator) | [`swarm_coordinator::check`] |
//! | [`SyncBus`](crate::sync::bus::SyncBus) | [`sync_bus::check`] |
//!
//! The mocks stand beside their traits: [`MockExecutor`](crate::routing::MockExecutor),
//! [`MockClassifier`](crate::routing::MockClassifier), [`MockCostGuard`](crate::cost::MockCostGuard),
//! [`MockNotifier`](crate::notify::MockNotifier), [`MockSwarmCoordinator`](crate::swarm::MockSwarmCoordinator),
//! [`MockMcpClient`](crate::mcp::MockMcpClient), [`MockSyncBus`](crate::sync::bus::MockSyncBus),
//! [`MockProcessLauncher`](crate::supervisor::MockProcessLauncher) and [`MockAgentProcess`](crate::supervisor::MockAgentProcess).

pub mod classifier;
pub mod cost_guard;
mod dice;
mod executor_conformance;
mod executors;
mod fault_connection;
mod fault_server;
mod law;
mod safari;
mod safari_dispatcher;
pub mod swarm_coordinator;
pub mod sync_bus;

pub use crate::clock::ManualClock;
pub use dice::Dice;
pub use executor_conformance::ExecutorConformance;
pub use executors::{RecordingExecutor, ScriptedExecutor};
pub use fault_server::{Fault, FaultResponse, FaultServer, ReceivedRequest};
pub use safari::ScriptedDispatcher;
pub use safari_dispatcher::SafariDispatcherConformance;
