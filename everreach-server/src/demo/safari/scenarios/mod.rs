//! Every behaviour the services are known for, and the section of their contract that says so.
//!
//! # Law
//! A behaviour is a row, never a branch in a service: what a row says is what is answered.

mod comments;
mod direct_messages;
mod everywhere;
mod row;

pub use row::{ScenarioRow, scenario_rows};
