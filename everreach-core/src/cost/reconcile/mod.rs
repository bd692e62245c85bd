//! What a crash left: reservations that nobody will close any more.

mod leftover;
mod store;

pub use leftover::Reconciled;
