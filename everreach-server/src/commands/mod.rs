//! The commands, one file each.
//!
//! # Law
//! Commands that read or change data speak to the API ([`crate::client::Api`]), in this process or at `--server`. Only `db`, `doctor`
//! and `init` look at files and databases themselves.

pub mod approvals;
pub mod batch;
pub mod calls;
pub mod completions;
pub mod config;
mod context;
pub mod cost;
pub mod cron;
pub mod db;
pub mod demo;
pub mod dev;
mod doctor;
pub mod failover;
mod health;
mod init;
mod input;
pub mod keys;
pub mod route;
mod run;
pub mod safari;
pub mod serve;
pub mod stop;
pub mod sync;
mod version;

pub use context::Context;
pub use run::{main, main_with};
