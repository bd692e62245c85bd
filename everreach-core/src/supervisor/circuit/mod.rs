//! The circuit of an agent: what fails again and again rests, then gets one trial.
//!
//! # Law
//! While it is half open at most one start is on trial, and a trial without a verdict is a failed one. It is written down, so that a
//! supervisor that starts anew forgives no loop.

mod agent_circuit;
mod config;
mod stored;
#[cfg(test)]
mod tests;

pub use agent_circuit::{AgentCircuit, Start};
pub use config::AgentCircuitConfig;
pub use stored::StoredCircuit;
