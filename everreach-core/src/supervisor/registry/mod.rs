//! The agents, their circuits and what became of them, as the database keeps them.
//!
//! # Law
//! The tables are shared with other programs: rows that cannot be read fail alone, columns of others are left as they are, and their signal
//! `needs_restart` is honoured once.

mod agent_registry;
mod history;
mod registered;
mod store;

pub use agent_registry::{AgentRegistry, Registration};
pub use history::{HealthRecord, RestartRecord};
pub use registered::{ProcessNote, RegisteredAgent};
pub(super) use store::{
    RestartNote, claim, insert_health, insert_restart, note_process, release, save_circuit, set_status, settle_restart, want,
};
