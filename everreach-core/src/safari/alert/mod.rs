//! Alerts: what the operator is told, once per occasion, whatever crashes in between.
//!
//! # Law
//! An alert is on disk before it is sent, and is sent until somebody has taken it; one occasion makes one message. Messages are plain
//! text; a messenger that knows markup escapes them.

mod occasion;
mod outbox;
mod sending;
mod store;

pub use occasion::Alert;
pub use outbox::AlertOutbox;
pub(in crate::safari) use store::insert as raise_within;
