//! What the routes under `/api/safari` read and answer, without HTTP: for a host that speaks another language.
//!
//! ```
//! use everreach_core::runtime::{Runtime, RuntimeConfig};
//! use everreach_core::safari::queue::HistoryFilter;
//! use everreach_server::safari::{
//!     again, allow, campaign, command, commands, deny, history, overview, rate_limits, services, target_posts, target_replied,
//! };
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
//! let new = campaign(br#"{"type": "comment_warmup", "platform": "twitter", "handles": ["bob"], "templates": {"comments": ["Nice"]}}"#, now);
//! let campaigns = safari.campaigns();
//! let id = campaigns.start(new.expect("a campaign")).await?.overview.id;
//! let posts = vec!["https://x.com/bob/status/1".to_owned()];
//! assert!(target_posts(campaigns, &id, "bob", posts, now).await.is_ok());
//! assert_eq!(target_replied(campaigns, &id, "bob").await?.targets[0].handle, "bob");
//!
//! assert!(again(safari, None).await.expect("nothing failed").is_empty());
//! assert_eq!(deny(campaigns, None, "eve", None).await.expect("a name")["handle"], "eve");
//! assert_eq!(allow(safari.queue(), None, "eve").await.expect("a name")["removed"], true);
//! assert_eq!(services(safari).await?["services"].as_array().map(Vec::len), Some(9));
//!
//! let problem = commands(br#"{"action": "score", "priority": "high"}"#, now).expect_err("no number");
//! assert_eq!(problem.errors()[0].pointer, "/priority");
//! # Ok(()) }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
//! ```

pub use crate::routes::safari::campaigns::{campaign, target_posts, target_replied};
pub use crate::routes::safari::commands::{again, command, history};
pub use crate::routes::safari::deny_list::{allow, deny};
pub use crate::routes::safari::enqueue::commands;
pub use crate::routes::safari::rate_limits::rate_limits;
pub use crate::routes::safari::services::services;
pub use crate::routes::safari::status::{Status, overview};
