//! Settings: flags > environment > `.env` > `everreach.toml` > default, each value with its origin.
//!
//! # Law
//! Only this folder reads the environment, and every setting it knows stands in [`table`]. A value that cannot be used is an
//! error that names the setting, where the value came from, what was seen and what is wanted.

mod dotenv;
mod failover;
mod file;
mod layers;
mod relay;
mod render;
mod rules;
mod safari;
mod safari_table;
#[cfg(test)]
mod safari_tests;
pub mod table;
#[cfg(test)]
mod tests;
mod value;

pub use layers::{Layers, Origin, Settings, Value};
pub use render::{env_example, toml_example};
pub use rules::{LogFormat, Resolved, Role, ServerSettings, is_exposed_in_clear};
pub use table::Setting;
