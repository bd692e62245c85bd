//! What is taken from the limits, in the transaction of the claim, and given back when the command certainly did not happen.

mod charge;
mod store;
mod taking;

pub(super) use charge::Charge;
use charge::Counted;
pub(super) use store::prune;
pub(super) use taking::{give_back, is_same_day, is_same_hour, mark_sent, take, usage};
