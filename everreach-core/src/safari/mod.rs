//! Safari: a durable queue of browser commands, carried out by the services on a Mac.
//!
//! # Law
//! A message or a comment is submitted at most once; what may have been submitted is held for a person. No limit is passed, no
//! text and no address reaches a service but through the [`gate`], and only one command drives Safari at a time.

pub mod alert;
pub mod campaign;
mod command;
mod config;
mod contact;
pub mod decision;
mod dispatcher;
pub mod gate;
mod http;
pub mod inbox;
pub mod limits;
mod outcome;
mod platform;
mod program;
pub mod queue;
mod service;
#[cfg(test)]
mod simulation_tests;
mod verb;
pub mod wire;
pub mod worker;

pub use command::{Command, CommandStatus, params_object};
pub use config::{SafariConfig, ServiceConfig};
pub use contact::Contact;
#[cfg(feature = "mock")]
pub use dispatcher::MockSafariDispatcher;
pub use dispatcher::SafariDispatcher;
pub use http::{HttpSafariDispatcher, health_all};
pub use outcome::{Attempt, DispatchOutcome, DispatchVerdict, HaltCause, Reason, Repeat};
pub use platform::Platform;
pub use program::ProgramRunner;
pub use service::{
    ActiveHours, HealthStatus, Identity, Service, ServiceHealth, ServiceProfile, SessionNeed, TokenNeed, judge_health,
};
pub use verb::{LimitedAction, Verb};
