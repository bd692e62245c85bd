//! The command line, as a process.

mod calls;
mod program;
mod routing;
mod safari;
mod servers;
mod words;
