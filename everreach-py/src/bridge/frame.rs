//! The handlers that a call stands in: those that still run, not those that once started it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// One handler that was begun.
pub(crate) struct Frame {
    pub(crate) depth: u32,
    /// Whose handler it is.
    owner: u64,
    parent: Option<Arc<Frame>>,
    is_over: AtomicBool,
    /// The task of a coroutine, which is done a turn of the loop before anybody is told.
    task: OnceLock<Py<PyAny>>,
}

/// A frame as the value of a context variable.
#[pyclass(frozen)]
struct Standing(Arc<Frame>);

/// A handler that runs until this is dropped.
pub(crate) struct Running(Arc<Frame>);

impl Running {
    pub(crate) fn frame(&self) -> Arc<Frame> {
        Arc::clone(&self.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
    }
}

impl Frame {
    /// The innermost handler that still runs and that this code was called by.
    pub(crate) fn current(py: Python<'_>) -> PyResult<Option<Arc<Self>>> {
        let value = variable(py)?.call_method0(intern!(py, "get"))?;
        let mut frame = value.cast::<Standing>().ok().map(|standing| Arc::clone(&standing.get().0));
        while let Some(ended) = frame.as_ref().filter(|frame| frame.is_over(py)) {
            frame = ended.parent.clone();
        }
        Ok(frame)
    }

    /// It runs in this task.
    pub(crate) fn runs_in(&self, task: &Bound<'_, PyAny>) {
        let _once = self.task.set(task.clone().unbind());
    }

    fn is_over(&self, py: Python<'_>) -> bool {
        let is_done = |task: &Py<PyAny>| task.bind(py).call_method0(intern!(py, "done"))?.is_truthy();
        self.is_over.load(Ordering::Acquire) || self.task.get().is_some_and(|task| is_done(task).unwrap_or(false))
    }

    /// Whether a handler of this owner is among those it stands in.
    pub(crate) fn has_owner(&self, py: Python<'_>, owner: u64) -> bool {
        (self.owner == owner && !self.is_over(py)) || self.parent.as_ref().is_some_and(|parent| parent.has_owner(py, owner))
    }
}

/// Begins a handler inside another one, or inside none; the value is for the variable in the handler's context.
pub(crate) fn begin<'py>(py: Python<'py>, parent: Option<&Arc<Frame>>, owner: u64) -> PyResult<(Running, Bound<'py, PyAny>)> {
    let depth = parent.map_or(0, |parent| parent.depth) + 1;
    let frame = Arc::new(Frame { depth, owner, parent: parent.cloned(), is_over: AtomicBool::new(false), task: OnceLock::new() });
    let standing = Bound::new(py, Standing(Arc::clone(&frame)))?.into_any();
    Ok((Running(frame), standing))
}

/// The variable that holds the innermost handler.
pub(crate) fn variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = VARIABLE.get_or_try_init(py, || {
        let default = PyDict::new(py);
        default.set_item("default", py.None())?;
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        class.call(("everreach_handler",), Some(&default)).map(Bound::unbind)
    });
    made.map(|variable| variable.bind(py))
}
