//! Failover: watching the cloud, and doing its work while it is away.
//!
//! # Law
//! Never two at once: not seeing the cloud only arms the local side; acting takes the lease in the shared database, a person's word, or
//! the end of every grant. Calls follow connectivity at once, since each is run by whoever took it.

mod config;
mod connectivity;
mod grant;
mod machine;
mod notice;
mod probe;
mod reading;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub use config::{FailoverConfig, TwoNodeMode};
pub use connectivity::{Connectivity, Edge, Reachability};
pub use grant::{ACT_FOR, GRANT_EVERY, GrantBook, TAKE_OVER_AFTER};
pub use machine::{Failover, LeaseAnswer, Order, Phase};
pub use notice::Notice;
pub use probe::{ProbeAnswer, probe};
pub use reading::{ProbeFailure, Reading};
pub use view::{ConnectivityState, ConnectivityView};
pub(crate) use watch::Watch;
