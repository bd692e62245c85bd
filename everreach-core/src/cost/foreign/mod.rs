//! Rows that other programs insert into the shared log.
//!
//! They count from the moment they are committed: every reservation adds up those that are not yet part of a month's total.
//! Absorbing folds them into the totals, so that this sum stays short.

mod absorb;
mod store;

pub use absorb::Absorbed;
