//! The dispatcher against services that fail in every way, over real sockets.

mod conformance;
mod cuts;
mod families;
mod faults;
mod health;
mod identity;
mod inbox;
mod secrecy;
mod steps;
mod turns;
