//! The worker over both databases, with services that follow a script.

mod alerts;
mod batches;
mod campaigns;
mod days;
mod rounds;
mod world;
