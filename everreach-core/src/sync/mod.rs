//! What keeps two places one system: messages between processes and machines.

pub mod bus;
pub mod state;
