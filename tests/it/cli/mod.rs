//! The command line, as a process.

mod calls;
pub(crate) mod program;
mod routing;
mod safari;
mod servers;
mod words;
