//! The worker over both databases, with services that follow a script.

mod alerts;
mod batches;
mod campaigns;
mod days;
mod deny_file;
mod instants;
mod judge;
mod limits;
mod linkedin;
mod long_rounds;
mod refusals;
mod rounds;
mod world;
