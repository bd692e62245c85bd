//! Limits: how many messages and comments an account sends in an hour and in a day.
//!
//! # Law
//! The effective limit is the smaller one of ours and the service's. Days and hours are those of UTC; a limit of 0 refuses.
//! What platforms share an account is counted together.

mod counter;
mod limit;
mod limit_table;
mod room;

pub use counter::{Counter, Usage};
pub use limit::Limit;
pub use limit_table::LimitTable;
pub use room::{Room, Window, room};
