//! Leases: time-limited claims, each with a number that fences off whoever held it before.
//!
//! # Law
//! At most one holder has a resource at a time, and each change of the holder raises the epoch. Whoever writes under a lease
//! proves it in the transaction of the write, so that a holder who was paused past its lease changes nothing any more. A holder stops
//! acting by its own clock before the lease can run out for others.

mod held;
mod leadership;
mod leases;
mod store;
mod term;

pub use held::{Lease, LeaseState, LeaseTiming};
pub use leadership::{Apart, Authority, Leadership, LeadershipSetter, Standing};
pub use leases::{Acquired, Leases};
pub use store::{holds, still_holds};
pub use term::Term;
