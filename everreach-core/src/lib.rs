#![doc = include_str!("../README.md")]
// On docs.rs, which builds with a nightly compiler, whatever needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod access;
pub mod action;
pub mod approval;
pub mod breaker;
mod clock;
pub mod cost;
mod env;
mod error;
mod event;
pub mod events;
pub mod failover;
pub mod http;
mod id;
pub mod lease;
pub mod ledger;
pub mod mcp;
mod money;
pub mod notify;
pub mod prelude;
pub mod relay;
pub mod retry;
pub mod routing;
pub mod runtime;
pub mod safari;
pub mod schedule;
pub mod secret;
pub mod stop;
pub mod store;
pub mod supervisor;
pub mod swarm;
pub mod sync;
#[cfg(any(test, feature = "mock"))]
pub mod testing;

pub use action::{ActionName, CachedResult, Effect, Envelope, Outcome, Source};
pub use clock::{Clock, SharedClock, SystemClock, Timestamp};
pub use env::{Mode, Side};
pub use error::{Error, ErrorKind, Result, Retry};
pub use event::Event;
pub use id::Id;
pub use money::MicroUsd;
