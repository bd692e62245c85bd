//! The ledger: idempotency keys and attempts, the one journal behind "never twice".
//!
//! # Law
//! A call that reaches the outside world is attempted at most once per key, across retries, crashes, workers and machines:
//!
//! - [`Ledger::begin`] gives the key's row to one claim at a time. Every claim carries a fencing number; whoever holds an older
//!   one has lost the row.
//! - [`Ledger::mark_dispatched`] is written before any byte leaves. It is refused while an earlier attempt stands that was not
//!   proven un-run.
//! - A claim that lapses after that mark turns the call into *unknown*: held for a person ([`Ledger::resolve`]) or for a positive
//!   proof, which is the late answer of the attempt itself ([`Ledger::finish`]). Nothing else moves it, not even age.
//! - A call that is forwarded takes its claim along ([`ForwardedClaim`]): where the receiver uses the same journal, it takes the row over
//!   once, and whoever forwarded the call holds it no longer.
//!
//! Time is the process's [`Clock`](crate::Clock) on both databases. Leases only decide how soon others give up waiting; that nothing
//! runs twice rests on the fencing number, so clocks that disagree cost patience, not safety.

mod call;
mod content;
mod decision;
mod envelopes;
mod forwarded;
mod journal;
mod key;
mod queued;
mod store;
#[cfg(test)]
mod tests;
mod transition;

pub use call::{AttemptEnd, AttemptId, AttemptRecord, Begin, Begun, CallRecord, CallState, Claim, Pruned, Recovered, Verdict};
pub use content::content_day_key;
pub(crate) use envelopes::{way_to_look, ways_to_resolve};
pub use forwarded::ForwardedClaim;
pub(crate) use journal::KEEP_CALLS;
pub use journal::Ledger;
pub use key::{Fingerprint, IdempotencyKey, fingerprint};
pub(crate) use queued::{call_within, count_queued, finish_within, keep_within, resolve_within, settle_within};
