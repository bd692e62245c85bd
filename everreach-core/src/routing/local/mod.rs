//! The local executor: a registry of handlers in this process.
//!
//! # Law
//! The registry is initialised once before the first call; a handler that panics or runs out of time leaves an outward call's
//! outcome unknown, never lost.

mod builder;
mod dispatch;
mod executor;
mod startup;
mod supervised;

pub use builder::{CallContext, LocalExecutorBuilder};
pub use dispatch::DispatchExecutor;
pub use executor::LocalExecutor;
