//! What the parts do together, on both databases.

mod access;
mod approval;
mod cost;
mod ledger;
mod routing;
mod stop;
mod support;
