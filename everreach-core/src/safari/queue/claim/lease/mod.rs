//! Claims as a worker that has many of them keeps them: what to renew and what to give back.

mod store;

use serde::Serialize;

use crate::Id;
use crate::safari::queue::Claimed;
use crate::safari::queue::row::Key;

pub(in crate::safari::queue) use store::{give_back, renew_many};

/// How many commands a worker has room for.
#[derive(Debug, Clone, Copy)]
pub(in crate::safari) struct Wanted {
    /// That drive Safari; more than one are not to be had.
    pub(in crate::safari) browser: u32,
    /// That need neither Safari nor a limit.
    pub(in crate::safari) free: u32,
    /// In all.
    pub(in crate::safari) all: u32,
}

impl Wanted {
    pub(in crate::safari) const fn is_nothing(self) -> bool {
        self.all == 0 || (self.browser == 0 && self.free == 0)
    }
}

/// What tells a claim from every other, in the form in which it is looked for.
#[derive(Debug, Clone, Serialize)]
pub(in crate::safari) struct Lease {
    #[serde(skip)]
    id: Id,
    #[serde(rename = "id")]
    stored: String,
    number: u32,
}

impl Lease {
    fn of(key: &Key, number: u32) -> Self {
        Self { id: key.id(), stored: key.stored().to_owned(), number }
    }
}

impl Claimed {
    pub(in crate::safari) fn lease(&self) -> Lease {
        Lease::of(&self.key, self.number)
    }
}
