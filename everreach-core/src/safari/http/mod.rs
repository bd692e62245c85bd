//! The dispatcher over HTTP: the nine services at their configured addresses, and programs on this machine.
//!
//! # Law
//! One command is one request to one configured address. A service gets nothing but questions for its health until it has said
//! on `/health` who it is, and again after a connection was refused or broke. The request that may have left and was not
//! answered whole is unknown. A token goes to its own service only, and into no log, error or outcome.

mod dispatcher;
mod endpoint;
mod health;
mod presence;
mod sighting;
#[cfg(test)]
mod tests;
mod transport;
mod turns;
mod unread;

pub use dispatcher::HttpSafariDispatcher;
pub use health::health_all;
