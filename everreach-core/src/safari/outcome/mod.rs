//! What became of a try, and the try itself.
//!
//! # Law
//! *Sent* only when the service said so, *refused* only when it certainly was not submitted; everything else is *unknown* and
//! never repeated by itself.

mod attempt;
mod dispatch_outcome;
mod halt_cause;
mod reason;
mod verdict;

pub use attempt::Attempt;
pub use dispatch_outcome::DispatchOutcome;
pub use halt_cause::HaltCause;
pub use reason::Reason;
pub use verdict::{DispatchVerdict, Repeat};
