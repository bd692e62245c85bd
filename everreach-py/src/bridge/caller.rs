//! Who made a call: what its handlers must see again, on whatever thread they run.

use std::sync::Arc;
use std::thread::ThreadId;

use pyo3::exceptions::PyRecursionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::bridge::frame::{self, Frame, Running};
use crate::bridge::process::Process;

/// How many handlers a call may stand in. Each takes some 100 KiB of stack, or a thread.
const DEEPEST: u32 = 16;

/// The caller's context variables and event loop. Travels with the call as an extension.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Parts>);

struct Parts {
    process: Arc<Process>,
    /// Whose handlers serve the call.
    owner: u64,
    context: Py<PyAny>,
    /// The handler that made the call, when one did.
    frame: Option<Arc<Frame>>,
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
    pub(crate) fn awaiting(py: Python<'_>, process: &Arc<Process>, owner: u64) -> PyResult<Self> {
        let event_loop = running_loop(py)?.map(|running| (running.unbind(), std::thread::current().id()));
        Self::new(py, process, owner, event_loop, RunsHere::No)
    }

    /// A caller that waits in a blocking call.
    pub(crate) fn waiting(py: Python<'_>, process: &Arc<Process>, owner: u64, runs_here: RunsHere) -> PyResult<Self> {
        Self::new(py, process, owner, None, runs_here)
    }

    fn new(
        py: Python<'_>,
        process: &Arc<Process>,
        owner: u64,
        event_loop: Option<(Py<PyAny>, ThreadId)>,
        runs_here: RunsHere,
    ) -> PyResult<Self> {
        let frame = Frame::current(py)?;
        // While there is still stack to raise it.
        if frame.as_ref().is_some_and(|frame| frame.depth >= DEEPEST) {
            let message = format!("a call within a call, {DEEPEST} times over: does a handler call itself?");
            return Err(PyRecursionError::new_err(message));
        }
        let context = copy_context(py)?;
        Ok(Self(Arc::new(Parts { process: Arc::clone(process), owner, context, frame, event_loop, runs_here })))
    }

    /// Begins a handler: a context to run it in, since two at a time cannot share one.
    pub(crate) fn begin<'py>(&self, py: Python<'py>) -> PyResult<(Running, Bound<'py, PyAny>)> {
        let (running, standing) = frame::begin(py, self.0.frame.as_ref(), self.0.owner)?;
        let context = self.0.context.bind(py).call_method0(intern!(py, "copy"))?;
        let set = frame::variable(py)?.getattr(intern!(py, "set"))?;
        let _token = context.call_method1(intern!(py, "run"), (set, standing))?;
        Ok((running, context))
    }

    /// Runs a handler on the caller's own thread, in the caller's own context.
    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        handler: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (_running, standing) = frame::begin(py, self.0.frame.as_ref(), self.0.owner)?;
        let variable = frame::variable(py)?;
        let token = variable.call_method1(intern!(py, "set"), (standing,))?;
        let returned = handler();
        variable.call_method1(intern!(py, "reset"), (token,)).and(returned)
    }

    pub(crate) fn event_loop(&self) -> Option<&(Py<PyAny>, ThreadId)> {
        self.0.event_loop.as_ref()
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.0.process
    }

    /// How many handlers the caller stands in.
    pub(crate) fn depth(&self) -> usize {
        self.0.frame.as_ref().map_or(0, |frame| frame.depth).try_into().unwrap_or(usize::MAX)
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
