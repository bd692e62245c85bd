//! The protocol to another EverReach or a worker: `POST {endpoint}/api/services/{service}/{topic}` with the params as body.
//!
//! # Law
//! An answer is believed only when it was decoded: no answer, half an answer or an answer of another kind leaves the outcome
//! unknown, unless nothing had been sent or the status says that the request was turned away.

mod answer;
mod classify;
mod listing;
mod remote;

pub use classify::{classify, registry_answer};
pub use listing::parse_listing;
pub(super) use remote::Remote;
