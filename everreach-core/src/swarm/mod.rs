//! Swarm: many agents, and never two of them on one contact at a time.
//!
//! # Law
//! A contact is leased to one agent at a time. Every lease carries a fencing token greater than any before it, so that whoever was
//! paused past the end of its lease is told apart from whoever came after.

mod config;
mod coordinator;
mod decision;
mod memory;

pub use config::SwarmConfig;
#[cfg(feature = "mock")]
pub use coordinator::MockSwarmCoordinator;
pub use coordinator::{ContactLease, FencingToken, LeaseRequest, SwarmCoordinator};
pub use memory::MemorySwarmCoordinator;
