//! One charge.

use serde::{Deserialize, Serialize};

use crate::safari::gate::Dispatchable;
use crate::safari::{LimitedAction, Platform};

/// Where something is counted: by account and action, or over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) platform: &'static str,
    pub(super) action: &'static str,
}

impl Counted {
    /// Everything that is sent, whatever and wherever.
    pub(super) const COMBINED: Self = Self { platform: "all", action: "send" };

    pub(super) const fn of(account: Platform, action: LimitedAction) -> Self {
        Self { platform: account.as_str(), action: action.as_str() }
    }
}

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

    /// Where it is counted, and how many.
    pub(super) const fn taking(self) -> (Counted, u32) {
        (Counted::of(self.account, self.action), self.count)
    }

    /// What these take over all accounts: what names several for what it sends once counts once.
    pub(in crate::safari::queue) fn sends(charges: &[Self]) -> u32 {
        charges.iter().map(|charge| charge.count).max().unwrap_or(0)
    }
}
