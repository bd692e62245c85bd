//! The nine services on the Mac, as data.
//!
//! # Law
//! A service is known by what it says of itself on `/health`, not by its port; until it has said so, nothing is sent to it.

mod active_hours;
mod health;
mod identity;
mod name;
mod profile;
mod profiles;
mod store;

pub use active_hours::ActiveHours;
pub use health::{HealthStatus, ServiceHealth};
pub use identity::{Identity, judge_health};
pub use name::Service;
pub use profile::{ServiceProfile, SessionNeed, TokenNeed};
pub(super) use store::{last_turn, return_turn, take_turn, write_health};
