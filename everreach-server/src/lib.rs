//! The EverReach server and the command line `everreach`.

pub mod cli;
pub mod client;
pub mod commands;
pub mod exit;
pub mod output;
mod serving;
pub mod settings;
mod telemetry;
