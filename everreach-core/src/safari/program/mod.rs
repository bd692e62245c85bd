//! Programs on this machine: the CRM script, and AppleScript on a Mac.
//!
//! # Law
//! An argv, never a shell. The program runs in a process group of its own, and that group ends with it: at its time limit, when
//! its try is abandoned, and when it ends by itself and leaves children behind. What it writes is read to the end and kept up to
//! a bound.

mod group;
mod output;
mod runner;
#[cfg(test)]
mod tests;

pub use runner::ProgramRunner;
