//! Why an agent failed, and what mends it.
//!
//! # Law
//! A diagnosis is a function of what was seen, and every failure has one: the reason is a word of a fixed list, with what it was read from
//! beside it. Nothing is started again for a cause that a start cannot mend.

mod diagnose;
mod evidence;
mod phrases;
mod reason;
mod recovery;
#[cfg(test)]
mod tests;

pub use diagnose::{Diagnosis, diagnose};
pub use evidence::{End, Evidence, HostReading, MemoryReading, StartFailure};
pub use reason::{Level, Reason};
pub use recovery::{Recovery, recovery};
