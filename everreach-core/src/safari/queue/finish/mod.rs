//! Finishing: what became of a claimed command, written only while the claim still holds.
//!
//! # Law
//! A late report never overwrites a person's word or another worker's claim. It does settle a command that is held as unknown and that
//! nobody has decided about: it is the proof that was missing.

mod applying;
mod record;
mod resolving;
mod store;

pub(in crate::safari) use applying::Ends;
pub use applying::Finish;
pub(super) use applying::{End, apply};
pub use resolving::Resolution;
pub(super) use resolving::{cancel, confirm, lapse, resolve, retry};
pub(super) use store::refuse;
