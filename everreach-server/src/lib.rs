//! The EverReach server: the HTTP side of the core, as a router that tests and embedders call in-process and a listener that
//! serves it, and the command line `everreach`, which speaks to either.
//!
//! ```no_run
//! use everreach_core::runtime::{Runtime, RuntimeConfig};
//! use everreach_server::auth::Access;
//! use everreach_server::host::AllowedHosts;
//! use everreach_server::{app::app, listen, state::AppState};
//!
//! # async fn example() -> everreach_core::Result<()> {
//! let runtime = Runtime::builder(RuntimeConfig::default()).build().await?;
//! let access = Access::loopback(runtime.key_ring().clone());
//! let listener = listen::bind("127.0.0.1:8080".parse().expect("an address"), &access).await?;
//! let hosts = AllowedHosts::new(listener.local_addr().expect("it is bound"), [""; 0])?;
//! let state = AppState::new(runtime, access, hosts);
//! listen::serve(listener, app(state.clone()), &state, listen::Limits::default(), std::future::pending()).await;
//! # Ok(()) }
//! ```

#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct EmbeddingGuide;

pub mod app;
pub mod auth;
mod call;
pub mod cli;
pub mod client;
pub mod commands;
pub mod demo;
pub mod exit;
mod extract;
mod front;
pub mod host;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod output;
pub mod problem;
mod routes;
pub mod safari;
mod schema;
mod serving;
pub mod settings;
pub mod state;
mod telemetry;
