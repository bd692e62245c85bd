//! The dispatcher against services that fail in every way, over real sockets.

mod cuts;
mod faults;
mod families;
mod health;
mod identity;
mod inbox;
mod secrecy;
mod steps;
