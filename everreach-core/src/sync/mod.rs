//! What keeps two places one system.

pub mod state;
