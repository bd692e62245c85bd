//! Approvals: what waits for a person.
//!
//! # Law
//! An approval is good for one request, told by its key and fingerprint, and once: [`Approvals::consume`] hands it out by one
//! conditional write. Nobody's silence is consent: what was not decided within four hours has lapsed, and so has a yes that was not
//! used within four hours.

mod approvals;
mod decision;
mod request;
mod store;
#[cfg(test)]
mod tests;

pub use approvals::Approvals;
pub use request::{Approval, ApprovalRequest, ApprovalState, Consumption};
