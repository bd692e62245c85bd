//! What there is to look at without a world outside: `dev --demo` computes real answers in this process, and `demo` plays services.

mod command;
mod safari_services;
mod service;
mod text;

pub use command::DemoCommand;
pub(super) use command::run;
pub use safari_services::SafariServicesArgs;
pub(super) use service::{ROUTE_TABLE, add_topics, sample_calls};
