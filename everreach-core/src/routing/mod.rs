//! Routing: where a call runs, under which conditions, and what becomes of it.
//!
//! # Law
//! An outward call is attempted at most once per idempotency key; only the orchestrator falls back, and never after an unknown outcome.

mod classifier;
mod cloud;
mod config;
mod decision;
mod executor;
mod explanation;
mod local;
pub mod offline;
mod orchestrator;
mod relay;
mod request;
mod route;
mod side;
mod table;
mod verdict;
pub mod wire;
mod worker;

#[cfg(feature = "mock")]
pub use classifier::MockClassifier;
pub use classifier::{ActionClass, Classification, Classifier};
pub use cloud::CloudExecutor;
pub use config::{RemoteConfig, RoutingConfig};
pub use decision::{Conditions, Decision, Rule, Target, Verdict, decide};
#[cfg(feature = "mock")]
pub use executor::MockExecutor;
pub use executor::{Call, Execution, Executor, Params, ServiceListing};
pub use explanation::{ExplainedDecision, Explanation, RuleVerdict};
pub use local::{CallContext, DispatchExecutor, LocalExecutor, LocalExecutorBuilder};
pub use offline::OfflineCache;
pub use orchestrator::Orchestrator;
pub(crate) use orchestrator::OrchestratorParts;
pub(crate) use relay::LocalRelay;
pub use request::RouteRequest;
pub use route::{Dedupe, Preference, Route, RouteMatch};
pub use side::LocalSide;
pub use table::{RouteTable, SharedRouteTable};
pub use worker::HttpExecutor;
