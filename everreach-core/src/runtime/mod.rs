//! The whole: a builder that wires the capabilities into one cheap-to-clone handle.

mod config;
mod whole;

pub use config::RuntimeConfig;
pub use whole::{ConnectivityState, Runtime, RuntimeBuilder, ServiceEntry};
#[doc(hidden)]
pub use whole::{access, approval, ledger, stop};
