//! Processes that are killed in the middle of things: whatever the instant, nothing is lost, nothing happens twice, the cap holds.

mod both_ends;
mod calls;
pub(crate) mod child;
mod clock;
pub(crate) mod cloud;
mod cycles;
mod durability;
mod queue_cycles;
mod queue_work;
mod race;
mod spending;
