//! What the parts do together, on both databases.

mod access;
mod approval;
mod ledger;
mod stop;
mod support;
