//! The schedule's tests that are longer than a page.

mod apart;
mod due;
mod leading;
mod process;
mod recovery;
mod simulation;
mod world;
