//! The supervisor at work: every agent of one state directory, looked after by one task.
//!
//! # Law
//! One supervisor per state directory, by a lock that ends with its process; one supervisor per agent, by a claim in the database. No
//! process is looked after twice, and none is started while an earlier one may live. The life of agents never waits for the database.

mod actor;
mod agent;
mod alert;
mod config;
mod events;
mod journal;
mod looks;
mod opening;
mod owner;
mod requests;
mod starts;
mod state_lock;
mod store;
mod supervisor;
#[cfg(test)]
mod tests;
mod turn;
mod view;

pub use config::SupervisorConfig;
pub use opening::SupervisorParts;
pub use supervisor::{Departure, Supervisor};
pub use view::{AgentView, CircuitView, HealthView, LastExit};
