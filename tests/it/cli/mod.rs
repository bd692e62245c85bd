//! The command line, as a process.

mod calls;
mod program;
mod routing;
mod servers;
mod words;
