//! The event loops for `async def` handlers of callers that have none: those that wait in a blocking call.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::MutexExt;

/// Loops in threads of their own, each started when it is first needed.
///
/// One for each depth of calls within calls: a handler that blocks its loop while it waits for a call of its own must not wait for
/// itself.
#[derive(Default)]
pub(crate) struct OwnLoops {
    running: Mutex<Vec<Py<PyAny>>>,
}

impl OwnLoops {
    /// The `asyncio` loop for handlers that stand in this many others.
    pub(crate) fn get<'py>(&self, py: Python<'py>, depth: usize) -> PyResult<Bound<'py, PyAny>> {
        // Starting a thread releases the interpreter lock, so nobody may hold that lock while waiting here.
        let mut running = self.running.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        while running.len() <= depth {
            let next = running.len();
            running.push(py.import("everreach._own_loop")?.getattr("OwnLoop")?.call1((next,))?.unbind());
        }
        running[depth].bind(py).getattr("loop")
    }

    /// Cancels what still runs on them and ends the threads.
    pub(crate) fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let own = std::mem::take(&mut *self.running.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner));
        own.iter().try_for_each(|own| own.bind(py).call_method0("stop").map(drop))
    }
}
