//! The EverReach core: one action, routed under a budget, never sent twice.

pub mod action;
mod clock;
mod env;
mod error;
mod event;
mod id;
mod money;
pub mod store;

pub use action::{ActionName, CachedResult, Effect, Envelope, Outcome, Source};
#[cfg(any(test, feature = "mock"))]
pub use clock::ManualClock;
pub use clock::{Clock, SharedClock, SystemClock, Timestamp};
pub use env::{Mode, Side};
pub use error::{Error, ErrorKind, Result, Retry};
pub use event::Event;
pub use id::Id;
pub use money::MicroUsd;
