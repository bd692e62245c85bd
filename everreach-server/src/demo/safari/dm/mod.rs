//! The services of direct messages.

mod checks;
mod instagram;
mod linkedin;
mod tiktok;
mod twitter;

pub(super) use checks::prepare;
