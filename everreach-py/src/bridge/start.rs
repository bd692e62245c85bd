//! Whether a handler was begun before its call was given up: one of the two, and everybody knows which.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Shared by the one who is to begin and the one who may give up.
#[derive(Clone, Default)]
pub(crate) struct Start(Arc<AtomicU8>);

impl Start {
    /// Whether the handler may run: it began now or before. After a no it must not.
    pub(crate) fn begin(&self) -> bool {
        self.0.compare_exchange(WAITING, BEGUN, Ordering::AcqRel, Ordering::Acquire) != Err(GIVEN_UP)
    }

    /// Whether it certainly never ran and never will.
    pub(crate) fn give_up(&self) -> bool {
        self.0.compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire) != Err(BEGUN)
    }
}

/// Gives up when dropped, unless it began.
pub(crate) struct GiveUp(pub(crate) Start);

impl Drop for GiveUp {
    fn drop(&mut self) {
        let _never_ran = self.0.give_up();
    }
}
