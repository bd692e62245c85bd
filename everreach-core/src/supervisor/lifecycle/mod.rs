//! The life of an agent: when it is started, stopped and started again.
//!
//! # Law
//! A request to stop cancels every start that waits. Nothing is started while another process of the same agent runs. A start that waits for
//! the circuit, the throttle or a hold of the whole machine is never forgotten.

mod backoff;
mod config;
mod hold;
mod machine;
mod phase;
#[cfg(test)]
mod tests;
mod throttle;

pub use backoff::BackoffConfig;
pub use config::LifecycleConfig;
pub use hold::{Hold, HoldCause, HoldConfig};
pub use machine::{Lifecycle, Order};
pub use phase::{Phase, Wanted};
pub use throttle::{StartThrottle, ThrottleConfig};
