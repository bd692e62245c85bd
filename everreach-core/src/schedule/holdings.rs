//! Which slots this process has in hand: a row that says it runs them, and is not among them, is nobody's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::JobName;
use crate::Timestamp;

type Key = (JobName, Timestamp);

/// How far a slot in hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is being fired or run, or its end is being written.
    AtWork,
    /// Its steps were begun, and nobody goes on with them.
    CutOff,
}

/// The slots in hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Holdings {
    slots: Arc<Mutex<HashMap<Key, Progress>>>,
}

/// One slot in hand; dropped, it is let go.
#[derive(Debug)]
pub(super) struct Hold {
    slots: Arc<Mutex<HashMap<Key, Progress>>>,
    key: Key,
    is_begun: bool,
}

impl Holdings {
    /// Takes the slot in hand before it is fired; `None` when it is.
    pub(super) fn hold(&self, job: &JobName, slot: Timestamp) -> Option<Hold> {
        let key = (job.clone(), slot);
        let mut slots = lock(&self.slots);
        if slots.contains_key(&key) {
            return None;
        }
        slots.insert(key.clone(), Progress::AtWork);
        Some(Hold { slots: Arc::clone(&self.slots), key, is_begun: false })
    }

    pub(super) fn progress(&self, job: &JobName, slot: Timestamp) -> Option<Progress> {
        lock(&self.slots).get(&(job.clone(), slot)).copied()
    }

    /// What was cut off has been recorded as such.
    pub(super) fn forget(&self, job: &JobName, slot: Timestamp) {
        let mut slots = lock(&self.slots);
        let key = (job.clone(), slot);
        if slots.get(&key) == Some(&Progress::CutOff) {
            slots.remove(&key);
        }
    }
}

impl Hold {
    /// From now on its steps may have had effects.
    pub(super) const fn begin(&mut self) {
        self.is_begun = true;
    }

    /// Its end is recorded.
    pub(super) const fn end(&mut self) {
        self.is_begun = false;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut slots = lock(&self.slots);
        if self.is_begun {
            slots.insert(self.key.clone(), Progress::CutOff);
        } else {
            slots.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
