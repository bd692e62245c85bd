//! What the routes under `/api/safari` read and answer, without HTTP: for a host that speaks another language.
//!
//! ```
//! use everreach_core::runtime::{Runtime, RuntimeConfig};
//! use everreach_core::safari::queue::HistoryFilter;
//! use everreach_server::safari::{command, commands, history, overview, rate_limits};
//! # async fn run() -> everreach_core::Result<()> {
//! # let mut config = RuntimeConfig::default();
//! # config.store.url = "sqlite::memory:".to_owned();
//! # config.data_dir = std::env::temp_dir().join("everreach-doc");
//! let runtime = Runtime::builder(config).build().await?;
//! let (safari, now) = (runtime.safari(), runtime.clock().now());
//! let new = commands(br#"{"action": "score", "priority": 1}"#, now).expect("a command");
//! let written = safari.queue().enqueue(new).await?;
//!
//! assert_eq!(command(safari, written[0].id).await?.entry.command.priority, 1);
//! assert_eq!(history(safari, &HistoryFilter::default(), None, 50).await?.commands.len(), 1);
//! assert!(rate_limits(safari, now).await?["limits"].is_array());
//! let status = serde_json::to_value(overview(safari).await?).expect("JSON");
//! assert_eq!(status["commands"]["pending"], 1);
//!
//! let problem = commands(br#"{"action": "score", "priority": "high"}"#, now).expect_err("no number");
//! assert_eq!(problem.errors()[0].pointer, "/priority");
//! # Ok(()) }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
//! ```

pub use crate::routes::safari::commands::{command, history};
pub use crate::routes::safari::enqueue::commands;
pub use crate::routes::safari::rate_limits::rate_limits;
pub use crate::routes::safari::status::{Status, overview};
