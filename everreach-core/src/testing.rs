//! Doubles and conformance suites for code that uses or implements the core's traits (feature `mock`).

pub use crate::clock::ManualClock;
#[doc(inline)]
pub use crate::cost::conformance as cost_guard;
