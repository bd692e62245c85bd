//! What the parts do together, on both databases.

mod access;
mod approval;
mod cost;
mod crash;
mod ledger;
mod stop;
mod store;
mod support;
