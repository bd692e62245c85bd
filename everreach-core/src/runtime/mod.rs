//! The whole: a builder that wires the capabilities into one cheap-to-clone handle.
//!
//! ```
//! use everreach_core::routing::{Params, RouteRequest};
//! use everreach_core::runtime::{Runtime, RuntimeConfig};
//!
//! # async fn run() -> everreach_core::Result<()> {
//! let mut config = RuntimeConfig::default();
//! config.store.url = "sqlite::memory:".to_owned();
//! # config.data_dir = std::env::temp_dir().join("everreach-doc");
//! let runtime = Runtime::builder(config).build().await?;
//! let envelope = runtime.route(RouteRequest::new("system.heartbeat".parse()?, Params::new())).await;
//! assert!(envelope.ok);
//! runtime.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok(()) }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
//! ```

mod assembly;
mod background;
mod builder;
mod config;
mod copywriter;
mod failover_messages;
mod handle;
mod job_actions;
mod relay;
mod safari;
mod services;
mod sides;
mod state;
mod sync_actions;

pub use builder::RuntimeBuilder;
pub use config::RuntimeConfig;
pub use handle::{Runtime, ServiceEntry};
pub use safari::Safari;
