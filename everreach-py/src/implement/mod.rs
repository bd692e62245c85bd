//! The core's traits, implemented in Python.

pub(crate) mod classifier;
pub(crate) mod cost_guard;
pub(crate) mod executor;
pub(crate) mod registry;
