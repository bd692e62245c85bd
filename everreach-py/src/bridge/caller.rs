//! Who made a call: what its handlers must see again, on whatever thread they run.

use std::sync::Arc;
use std::thread::ThreadId;

use pyo3::exceptions::PyRecursionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// How many handlers a call may stand in. Each takes some 100 KiB of stack, or a thread.
const DEEPEST: u32 = 16;

/// The caller's context variables and event loop. Travels with the call as an extension.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Parts>);

struct Parts {
    context: Py<PyAny>,
    depth: u32,
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
        let (context, depth) = (copy_context(py)?, depth(py)?);
        Ok(Self(Arc::new(Parts { context, depth, event_loop, runs_here: RunsHere::No })))
    }

    /// A caller that waits in a blocking call.
    pub(crate) fn waiting(py: Python<'_>, runs_here: RunsHere) -> PyResult<Self> {
        let (context, depth) = (copy_context(py)?, depth(py)?);
        Ok(Self(Arc::new(Parts { context, depth, event_loop: None, runs_here })))
    }

    /// A context to run one handler in; two at a time cannot share one.
    pub(crate) fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let context = self.0.context.bind(py).call_method0(intern!(py, "copy"))?;
        let set = depth_variable(py)?.getattr(intern!(py, "set"))?;
        let _token = context.call_method1(intern!(py, "run"), (set, self.0.depth + 1))?;
        Ok(context)
    }

    /// Runs a handler on the caller's own thread, in the caller's own context.
    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        handler: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let variable = depth_variable(py)?;
        let token = variable.call_method1(intern!(py, "set"), (self.0.depth + 1,))?;
        let returned = handler();
        variable.call_method1(intern!(py, "reset"), (token,)).and(returned)
    }

    pub(crate) fn event_loop(&self) -> Option<&(Py<PyAny>, ThreadId)> {
        self.0.event_loop.as_ref()
    }

    /// How many handlers the caller stands in.
    pub(crate) fn depth(&self) -> usize {
        self.0.depth.try_into().unwrap_or(usize::MAX)
    }

    pub(crate) fn runs_here(&self) -> bool {
        self.0.runs_here == RunsHere::Yes
    }
}

/// The variable that counts how many handlers a call stands in.
fn depth_variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = VARIABLE.get_or_try_init(py, || {
        let default = PyDict::new(py);
        default.set_item("default", 0)?;
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        class.call(("everreach_depth",), Some(&default)).map(Bound::unbind)
    });
    made.map(|variable| variable.bind(py))
}

/// How deep this call would stand; too deep is an error, while there is still stack to raise it.
fn depth(py: Python<'_>) -> PyResult<u32> {
    let depth = depth_variable(py)?.call_method0(intern!(py, "get"))?.extract()?;
    if depth >= DEEPEST {
        return Err(PyRecursionError::new_err(format!(
            "a call within a call, {DEEPEST} times over: does a handler call itself?"
        )));
    }
    Ok(depth)
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
