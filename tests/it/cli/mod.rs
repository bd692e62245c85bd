//! The command line, as a process.

mod program;
mod routing;
mod servers;
mod words;
