//! Routing: where a call runs, under which conditions, and what becomes of it.
//!
//! # Law
//! An outward call is attempted at most once per idempotency key; only the orchestrator falls back, and never after an unknown outcome.

mod classifier;
mod cloud;
mod config;
mod connectivity;
mod executor;
mod local;
mod probe;
mod route;
mod side;
mod verdict;
pub mod wire;
mod worker;

#[cfg(feature = "mock")]
pub use classifier::MockClassifier;
pub use classifier::{ActionClass, Classification, Classifier};
pub use cloud::CloudExecutor;
pub use config::{RemoteConfig, RoutingConfig};
pub use connectivity::{Connectivity, ConnectivityConfig, Edge};
#[cfg(feature = "mock")]
pub use executor::MockExecutor;
pub use executor::{Call, Execution, Executor, Params, ServiceListing};
pub use local::{CallContext, LocalExecutor, LocalExecutorBuilder};
pub use probe::{ProbeAnswer, probe};
pub use route::{Dedupe, Preference, Route, RouteMatch};
pub use side::LocalSide;
pub use worker::HttpExecutor;
