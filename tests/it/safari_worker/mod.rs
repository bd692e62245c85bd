//! The worker over both databases, with services that follow a script.

mod alerts;
mod campaigns;
mod days;
mod instants;
mod judge;
mod rounds;
mod world;
