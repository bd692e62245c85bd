//! What stands in for the outside world: in demos, and in tests that need a world that counts.

pub mod safari;
