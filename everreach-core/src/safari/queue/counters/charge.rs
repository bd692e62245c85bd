//! One charge.

use serde::{Deserialize, Serialize};

use crate::safari::gate::Dispatchable;
use crate::safari::{LimitedAction, Platform};

/// So many of an action, on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::safari::queue) struct Charge {
    pub(in crate::safari::queue) account: Platform,
    pub(in crate::safari::queue) action: LimitedAction,
    pub(in crate::safari::queue) count: u32,
}

impl Charge {
    /// What a command takes, always in the same order, so that two who take never wait for each other.
    pub(in crate::safari::queue) fn all(dispatchable: &Dispatchable) -> Vec<Self> {
        let charges = dispatchable.charges().into_iter();
        let mut charges: Vec<_> =
            charges.map(|(platform, action, count)| Self { account: platform.account(), action, count }).collect();
        charges.sort_unstable();
        charges
    }
}
