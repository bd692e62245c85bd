//! Failover: watching the cloud, and doing its work while it is away.
//!
//! # Law
//! Never two at once: not seeing the cloud only arms the local side; acting takes the lease in the shared database, a person's word, or
//! the end of every grant. Calls follow connectivity at once, since each is run by whoever took it.

mod announcement;
mod bulletin;
mod config;
mod connectivity;
mod control;
mod grant;
mod handover;
mod identity;
mod keeper;
mod look;
mod machine;
mod notice;
mod own_network;
mod probe;
mod reading;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub(crate) use announcement::{Announcement, Announcements};
pub use bulletin::Bulletin;
pub use config::{Duty, FailoverConfig, Place, TwoNodeMode};
pub use connectivity::{Connectivity, Edge, Reachability};
pub use control::FailoverControl;
pub use grant::{ACT_FOR, GRANT_EVERY, GrantAnswer, GrantBook, TAKE_OVER_AFTER};
pub use handover::Handover;
pub(crate) use keeper::Keeper;
pub use machine::{Failover, LeaseAnswer, Order, Phase};
pub use notice::Notice;
pub use own_network::OwnNetwork;
pub use probe::{ProbeAnswer, probe};
pub use reading::{ProbeFailure, Reading};
pub use state::{FailoverState, ModeSource};
pub use view::{ConnectivityState, ConnectivityView};
pub(crate) use watch::Watch;
