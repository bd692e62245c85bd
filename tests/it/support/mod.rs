//! What several tests need.

pub mod store;
