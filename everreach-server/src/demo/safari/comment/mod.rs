//! The services of comments.

mod checks;
mod text;

pub(super) use checks::prepare;
