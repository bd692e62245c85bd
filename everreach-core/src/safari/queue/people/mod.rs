//! People who are never written to, people who were written to elsewhere, and accounts that have to stop.

mod elsewhere;
mod halts;
mod sent;
mod store;

pub(super) use elsewhere::{Elsewhere, discover, last_dm_elsewhere};
pub use halts::{Denial, Denied};
pub(super) use halts::{allow, denied, denies, deny, lift_halts, set_halt, stops};
pub(super) use sent::sent_elsewhere;
