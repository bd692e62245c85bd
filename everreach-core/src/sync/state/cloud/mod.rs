//! The cloud's side: taking in what the local side pushes, and giving what it pulls.
//!
//! # Law
//! What was decided about a version is kept with the decision's effect, in one transaction, so that a repeat gets the same answer. Whoever
//! reads the log up to a place has seen every document that changed before it.

mod page;
mod receive;
mod reception;
mod store;
