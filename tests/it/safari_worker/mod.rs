//! The worker over both databases, with services that follow a script.

mod alerts;
mod rounds;
mod world;
