//! The route table: what is known about each action, as data.
//!
//! `route_table.json` is built in and says for every action where it wants to run, what running it does and what it costs. A
//! user's file is laid *over* it, field by field, and read again whenever it changes; a file with a mistake in it is
//! refused whole, with the line and the key, and the table in force stays.
//!
//! # Law
//! A name finds its row by its whole spelling (aliases included), else by the row `service.*`, else by the row `*`, else by the
//! default: here, outward, not essential, without a price. Only an exact row may say that an action is harmless.

mod json;
mod nearest;
mod overlay;
mod parse;
mod route_table;
mod shared;
mod watch;

#[cfg(test)]
mod tests;

pub use route_table::RouteTable;
pub use shared::SharedRouteTable;
