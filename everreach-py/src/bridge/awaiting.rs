//! A future of the core as something Python awaits.
//!
//! The event loop's own thread polls it: an answer that is ready at once costs no other thread, and a handler that is a coroutine
//! runs on the same thread. What the future waits for (sockets, timers, the database) is driven by the runtime's threads, which
//! wake the loop.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::bridge::caller::running_loop;
use crate::bridge::once::Once;
use crate::bridge::process::{self, Process};
use crate::bridge::wait;

/// Makes the Python value, with the interpreter lock held.
pub(crate) type Convert = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

type Work = Pin<Box<dyn Future<Output = Convert> + Send>>;

/// Awaitable once, on the loop on which it was made.
#[pyclass(frozen)]
pub(crate) struct Awaiting {
    work: Mutex<Option<Work>>,
    waking: Arc<Waking>,
    waker: Waker,
    process: Arc<Process>,
}

impl Awaiting {
    /// Wraps a future whose value `convert` turns into a Python one.
    pub(crate) fn new<T, F>(py: Python<'_>, work: F, convert: fn(Python<'_>, T) -> PyResult<Py<PyAny>>) -> PyResult<Self>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let Some(event_loop) = running_loop(py)? else {
            return Err(PyRuntimeError::new_err(
                "no event loop is running here: await it in a coroutine, or call the method that ends in _sync",
            ));
        };
        let process = process::current(py)?;
        let waking = Arc::new(Waking {
            event_loop: event_loop.unbind(),
            thread: std::thread::current().id(),
            is_woken: AtomicBool::new(false),
            waiting: Mutex::new(None),
        });
        let work = async move {
            let value = work.await;
            Box::new(move |py: Python<'_>| convert(py, value)) as Convert
        };
        Ok(Self { work: Mutex::new(Some(Box::pin(work))), waker: Waker::from(Arc::clone(&waking)), waking, process })
    }

    /// Polls with the interpreter lock released: no lock of the core's is ever waited for while holding it.
    fn poll(&self, py: Python<'_>) -> PyResult<Poll<Convert>> {
        process::check_fork(py, self.process.pid(), std::process::id())?;
        if self.process.ending().is_cancelled() {
            return Err(wait::ending(py));
        }
        let polled = py.detach(|| {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            let running = work.as_mut()?;
            let _entered = self.process.handle().enter();
            let polled = running.as_mut().poll(&mut Context::from_waker(&self.waker));
            if polled.is_ready() {
                *work = None;
            }
            Some(polled)
        });
        if let Some(interrupt) = wait::take_interrupt() {
            return Err(interrupt);
        }
        polled.ok_or_else(|| PyRuntimeError::new_err("the call was awaited already"))
    }
}

#[pymethods]
impl Awaiting {
    fn __await__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        loop {
            if let Poll::Ready(convert) = self.poll(py)? {
                return Err(PyStopIteration::new_err((convert(py)?,)));
            }
            if let Some(future) = self.waking.arm(py)? {
                return Ok(future);
            }
        }
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        let work = self.work.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.process.pid() != std::process::id() {
            #[allow(clippy::mem_forget, reason = "after a fork what it holds belongs to the parent's threads")]
            std::mem::forget(work);
            return;
        }
        // What it holds may need the runtime to be let go, and may call Python, which must not see the exception that is on its
        // way: a cancellation throws one through the frame that held this.
        let _ended = Python::try_attach(|py| {
            let on_its_way = PyErr::take(py);
            py.detach(|| {
                let _entered = self.process.handle().enter();
                drop(work);
            });
            if let Some(exception) = on_its_way {
                exception.restore(py);
            }
        });
    }
}

/// Wakes the loop, whatever thread the news come from.
struct Waking {
    event_loop: Py<PyAny>,
    thread: ThreadId,
    is_woken: AtomicBool,
    waiting: Mutex<Option<Py<PyAny>>>,
}

impl Waking {
    /// A future of the loop's to wait on; none when the news came while it was being made.
    fn arm(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if self.is_woken.swap(false, Ordering::AcqRel) {
            return Ok(None);
        }
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        // What a task looks for in whatever is yielded to it.
        future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        let future = future.unbind();
        *self.waiting() = Some(future.clone_ref(py));
        // News between the first look and now have found nobody waiting.
        if self.is_woken.swap(false, Ordering::AcqRel) && self.waiting().take().is_some() {
            return Ok(None);
        }
        Ok(Some(future))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Py<PyAny>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, py: Python<'_>, future: Py<PyAny>) -> PyResult<()> {
        if self.thread == std::thread::current().id() {
            return set_result(future.bind(py));
        }
        let set = Once::new(move |arguments: &Bound<'_, PyTuple>| set_result(future.bind(arguments.py())));
        let _handle = self.event_loop.bind(py).call_method1(intern!(py, "call_soon_threadsafe"), (set,))?;
        Ok(())
    }
}

/// Ends the wait, unless a cancellation has ended it.
fn set_result(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        let _none = future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        let Some(future) = self.waiting().take() else { return };
        self.is_woken.store(false, Ordering::Release);
        // A loop that was closed meanwhile waits for nothing; an interpreter that is ending neither.
        let _told = Python::try_attach(|py| self.resolve(py, future));
    }
}
