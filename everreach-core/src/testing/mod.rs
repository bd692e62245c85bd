//! Doubles and conformance suites for code that uses or implements the core's traits (feature `mock`).

mod executor_conformance;
mod executors;
mod fault_connection;
mod fault_server;
mod safari;
mod safari_dispatcher;

pub use crate::clock::ManualClock;
#[doc(inline)]
pub use crate::cost::conformance as cost_guard;
pub use executor_conformance::ExecutorConformance;
pub use executors::{RecordingExecutor, ScriptedExecutor};
pub use fault_server::{Fault, FaultResponse, FaultServer, ReceivedRequest};
pub use safari::ScriptedDispatcher;
pub use safari_dispatcher::SafariDispatcherConformance;
