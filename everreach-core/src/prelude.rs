//! What the first file of a program that embeds the core needs.
//!
//! ```
//! use everreach_core::prelude::*;
//!
//! struct Everywhere;
//!
//! #[async_trait::async_trait]
//! impl Executor for Everywhere {
//!     async fn execute(&self, call: &Call) -> Execution {
//!         match call.action.as_str() {
//!             "reports.ping" => Execution::done("pong".into()),
//!             _ => Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::UnknownAction, "nobody here knows the action")),
//!         }
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let mut config = RuntimeConfig::default();
//! config.store.url = "sqlite::memory:".to_owned();
//! # config.data_dir = std::env::temp_dir().join("everreach-doc");
//! let runtime = Runtime::builder(config).with_executor(std::sync::Arc::new(Everywhere)).build().await?;
//! let envelope = runtime.route(RouteRequest::new("reports.ping".parse()?, Params::new())).await;
//! assert_eq!(envelope.result, Some("pong".into()));
//! # runtime.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok(()) }
//! ```
//!
//! Whatever else is needed stands in the module of its capability: prices in [`cost`](crate::cost), the route table in
//! [`routing`](crate::routing), doubles in `testing`.

pub use crate::action::{ActionName, Envelope, Outcome};
pub use crate::cost::CostGuard;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::routing::{Call, CallContext, Classifier, Execution, Executor, LocalExecutor, Params, RouteRequest};
pub use crate::runtime::{Runtime, RuntimeConfig};
