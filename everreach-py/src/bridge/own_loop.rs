//! The event loop for `async def` handlers of callers that have none: those that wait in a blocking call.

use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use std::sync::{Mutex, PoisonError};

use crate::bridge::caller::running_loop;

/// A loop in a thread of its own, started when it is first needed.
#[derive(Default)]
pub(crate) struct OwnLoop {
    running: Mutex<Option<Py<PyAny>>>,
}

impl OwnLoop {
    /// The `asyncio` loop.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Starting the thread releases the interpreter lock, so nobody may hold that lock while waiting here.
        let mut running = self.running.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        let own = match &*running {
            Some(own) => own.bind(py).clone(),
            None => {
                let own = py.import("everreach._own_loop")?.getattr("OwnLoop")?.call0()?;
                *running = Some(own.clone().unbind());
                own
            }
        };
        own.getattr("loop")
    }

    /// Whether this is the loop that runs on the current thread: nobody may wait there, since it could be for itself.
    pub(crate) fn is_here(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(running) = running_loop(py)? else { return Ok(false) };
        let own = self.running.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        own.as_ref().map_or(Ok(false), |own| Ok(own.bind(py).getattr("loop")?.is(&running)))
    }

    /// Cancels what still runs on it and ends the thread.
    pub(crate) fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let own = self.running.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner).take();
        if let Some(own) = own {
            let _none = own.bind(py).call_method0("stop")?;
        }
        Ok(())
    }
}
