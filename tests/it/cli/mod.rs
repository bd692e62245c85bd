//! The command line, as a process.

mod calls;
mod cron;
pub(crate) mod program;
mod routing;
mod safari;
mod secrets;
mod servers;
mod words;
