//! The orchestrator: decide, journal, reserve, execute, settle, answer.
//!
//! # Law
//! It alone falls back, and only to where that cannot make an outward action happen twice. Every failure is an envelope.

mod answer;
mod batch;
mod carry_out;
mod flight;
mod forwarded;
mod journaled;
mod money;
mod person;
mod proof;
mod queued;
mod route;
mod tries;

pub use route::Orchestrator;
pub(crate) use route::OrchestratorParts;
