//! The schedule's tests that are longer than a page.

mod due;
mod simulation;
mod world;
