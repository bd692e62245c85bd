//! The local side: the outbox, pushing it, and pulling what the cloud has.
//!
//! # Law
//! A version leaves the outbox when the cloud has decided about it, in the transaction that takes over what the cloud decided.

mod merge;
mod peer;
mod pull;
mod push;
mod settle;
mod store;

pub use peer::CloudPeer;
pub use pull::PullReport;
pub use push::PushReport;
pub(super) use settle::tell;
pub(super) use store::{Waiting, an_error, count_others, find, pending, queue, take_out};
