//! Who waits for a queue at the moment: on their event loops its dispatcher runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use pyo3::prelude::*;

use crate::bridge::caller::{Caller, RunsHere};
use crate::bridge::process;

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// That the queue is worked through.
    Run,
    /// Anything else.
    Look,
}

/// Those who wait, the newest last, and the loops on which something is being dispatched.
pub(crate) struct Callers {
    /// Tells the handlers from those of others.
    owner: u64,
    waiting: Mutex<Vec<Waiting>>,
    dispatching: Mutex<Vec<ThreadId>>,
    next: AtomicU64,
}

struct Waiting {
    number: u64,
    purpose: Purpose,
    caller: Caller,
    /// Where it waits; a blocking call stops the loop that runs there.
    thread: ThreadId,
}

/// Somebody who waits until this is dropped.
pub(crate) struct Entered {
    callers: Arc<Callers>,
    number: u64,
}

/// Something that is dispatched on a loop until this is dropped.
pub(crate) struct Dispatching {
    callers: Arc<Callers>,
    thread: ThreadId,
}

impl Callers {
    pub(crate) fn new() -> Arc<Self> {
        static OWNERS: AtomicU64 = AtomicU64::new(0);
        let owner = OWNERS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { owner, waiting: Mutex::default(), dispatching: Mutex::default(), next: AtomicU64::new(0) })
    }

    pub(crate) const fn owner(&self) -> u64 {
        self.owner
    }

    /// Somebody waits on this thread, or on the loop that runs here.
    pub(crate) fn enter(self: &Arc<Self>, purpose: Purpose, caller: Caller) -> Entered {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting().push(Waiting { number, purpose, caller, thread: std::thread::current().id() });
        Entered { callers: Arc::clone(self), number }
    }

    /// For whom a command is dispatched: who works through the queue, the newest of them. After they left, nobody but this process.
    pub(crate) fn for_dispatch(&self) -> PyResult<Caller> {
        let runs = |waiting: &&Waiting| waiting.purpose == Purpose::Run;
        let found = self.waiting().iter().rev().find(runs).map(|waiting| waiting.caller.clone());
        found.map_or_else(|| self.nobody(), Ok)
    }

    /// For whom a service is looked at: who works through the queue, unless a blocking call stops their loop; else who asks.
    pub(crate) fn for_look(&self) -> PyResult<Caller> {
        let found = {
            let waiting = self.waiting();
            let blocks = |other: &Waiting, thread| other.thread == thread && other.caller.event_loop().is_none();
            let goes_on = |one: &&Waiting| {
                let thread = one.caller.event_loop().map(|(_, thread)| *thread);
                thread.is_none_or(|thread| !waiting.iter().any(|other| blocks(other, thread)))
            };
            let of = |purpose| waiting.iter().rev().filter(move |one| one.purpose == purpose).find(goes_on);
            of(Purpose::Run).or_else(|| of(Purpose::Look)).map(|waiting| waiting.caller.clone())
        };
        found.map_or_else(|| self.nobody(), Ok)
    }

    /// Something is dispatched for this caller.
    pub(crate) fn dispatching(self: &Arc<Self>, caller: &Caller) -> Option<Dispatching> {
        let thread = caller.event_loop()?.1;
        self.on_loops().push(thread);
        Some(Dispatching { callers: Arc::clone(self), thread })
    }

    /// Whether something is being dispatched on the loop of this thread.
    pub(crate) fn is_dispatching_here(&self) -> bool {
        self.on_loops().contains(&std::thread::current().id())
    }

    fn nobody(&self) -> PyResult<Caller> {
        Python::attach(|py| Caller::waiting(py, &process::current(py)?, self.owner, RunsHere::No))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_loops(&self) -> MutexGuard<'_, Vec<ThreadId>> {
        self.dispatching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = {
            let mut waiting = self.callers.waiting();
            let place = waiting.iter().position(|waiting| waiting.number == self.number);
            place.map(|place| waiting.remove(place))
        };
        // What it holds is Python's: it is let go without our lock.
        drop(left);
    }
}

impl Drop for Dispatching {
    fn drop(&mut self) {
        let mut threads = self.callers.on_loops();
        if let Some(place) = threads.iter().position(|thread| *thread == self.thread) {
            let _thread = threads.swap_remove(place);
        }
    }
}
