//! What an agent is: its definition, checked where it comes in.
//!
//! # Law
//! A definition that is accepted names no shell, no loader variable and no secret in clear, and its id is safe as a name of a file.

mod definition;
mod entry_point;
mod environment;
mod health_url;
mod limits;
mod names;
mod policy;
mod status;

pub use definition::AgentDefinition;
pub use entry_point::EntryPoint;
pub use environment::SecretRef;
pub use health_url::{HealthUrl, Reach};
pub use limits::Limits;
pub use names::{AgentId, Capability, Tag};
pub use policy::{DeathPolicy, RestartPolicy};
pub use status::AgentStatus;
