//! Who made a call: what its handlers must see again, on whatever thread they run.

use std::sync::Arc;
use std::thread::ThreadId;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The caller's context variables and event loop. Travels with the call as an extension.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Parts>);

struct Parts {
    context: Py<PyAny>,
    event_loop: Option<(Py<PyAny>, ThreadId)>,
    runs_here: RunsHere,
}

/// Whether a plain function may run on the thread that waits for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunsHere {
    /// As a function call would.
    Yes,
    /// It has a time limit, which only another thread can keep.
    No,
}

impl Caller {
    /// A caller that awaits: handlers that are coroutines run on its loop.
    pub(crate) fn awaiting(py: Python<'_>) -> PyResult<Self> {
        let event_loop = running_loop(py)?.map(|running| (running.unbind(), std::thread::current().id()));
        Ok(Self(Arc::new(Parts { context: copy_context(py)?, event_loop, runs_here: RunsHere::No })))
    }

    /// A caller that waits in a blocking call.
    pub(crate) fn waiting(py: Python<'_>, runs_here: RunsHere) -> PyResult<Self> {
        Ok(Self(Arc::new(Parts { context: copy_context(py)?, event_loop: None, runs_here })))
    }

    /// A context to run one handler in; two at a time cannot share one.
    pub(crate) fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.context.bind(py).call_method0("copy")
    }

    pub(crate) fn event_loop(&self) -> Option<&(Py<PyAny>, ThreadId)> {
        self.0.event_loop.as_ref()
    }

    pub(crate) fn runs_here(&self) -> bool {
        self.0.runs_here == RunsHere::Yes
    }
}

fn copy_context(py: Python<'_>) -> PyResult<Py<PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(COPY.import(py, "contextvars", "copy_context")?.call0()?.unbind())
}

/// The event loop that runs on this thread, if one does.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = RUNNING.import(py, "asyncio", "_get_running_loop")?.call0()?;
    Ok((!running.is_none()).then_some(running))
}
