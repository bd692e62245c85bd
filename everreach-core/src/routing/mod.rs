//! Routing: where a call runs, under which conditions, and what becomes of it.
//!
//! # Law
//! An outward call is attempted at most once per idempotency key; only the orchestrator falls back, and never after an unknown outcome.

mod classifier;
mod config;
mod decision;
mod executor;
mod explanation;
mod request;
mod route;

#[cfg(feature = "mock")]
pub use classifier::MockClassifier;
pub use classifier::{ActionClass, Classification, Classifier};
pub use config::{RemoteConfig, RoutingConfig};
#[cfg(feature = "mock")]
pub use executor::MockExecutor;
pub use executor::{Call, Execution, Executor, Params, ServiceListing};
pub use decision::{Conditions, Decision, Rule, Target, Verdict, decide};
pub use explanation::{ExplainedDecision, Explanation, RuleVerdict};
pub use request::RouteRequest;
pub use route::{Dedupe, Preference, Route, RouteMatch};
