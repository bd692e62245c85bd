//! The command line, as a process.

mod calls;
pub(crate) mod program;
mod routing;
mod servers;
mod words;
