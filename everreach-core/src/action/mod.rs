//! The nouns of a call: the action's name, what running it does, what became of it, and the envelope that answers it.

mod effect;
mod envelope;
mod name;

pub use effect::{Effect, Outcome};
pub use envelope::{CachedResult, Envelope, Source};
pub use name::ActionName;
