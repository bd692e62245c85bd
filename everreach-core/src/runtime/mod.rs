//! The whole: a builder that wires the capabilities into one cheap-to-clone handle.

mod config;

pub use config::RuntimeConfig;
