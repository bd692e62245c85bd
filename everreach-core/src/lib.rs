//! The EverReach core: one action, routed under a budget, never sent twice.

pub mod action;
mod clock;
pub mod cost;
mod env;
mod error;
mod event;
pub mod events;
mod id;
mod money;
pub mod notify;
pub mod routing;
pub mod runtime;
pub mod store;
#[cfg(any(test, feature = "mock"))]
pub mod testing;

pub use action::{ActionName, CachedResult, Effect, Envelope, Outcome, Source};
pub use clock::{Clock, SharedClock, SystemClock, Timestamp};
pub use env::{Mode, Side};
pub use error::{Error, ErrorKind, Result, Retry};
pub use event::Event;
pub use id::Id;
pub use money::MicroUsd;
#[doc(hidden)]
pub use runtime::{access, approval, ledger, stop};
