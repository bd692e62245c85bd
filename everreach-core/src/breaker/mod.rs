//! The circuit breaker: what failed several times in a row rests for a while, then gets one trial.
//!
//! # Law
//! While a circuit is half-open at most one trial is on its way; a trial that is never heard of again gives its place up after
//! the trial timeout. Only failures of the thing itself count, see [`counts`].

mod circuit;
mod set;

pub use circuit::{BreakerConfig, Circuit, CircuitOpen, CircuitState, Ticket, counts};
pub use set::{CircuitSet, Permit};
