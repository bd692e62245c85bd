//! The one Safari there is: one row with a fencing number.

mod store;

pub(in crate::safari::queue) use store::{Slot, lock_slot, mark_dispatched, renew, return_slot, slot, take_slot};
