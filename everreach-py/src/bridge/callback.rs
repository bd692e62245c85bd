//! Calling a function of the user's: plain or `async def`, on the thread where it belongs.
//!
//! # Law
//! - A plain function never blocks the event loop or a thread of the runtime: it runs in the pool for blocking work, or on the
//!   caller's own thread when the caller waits there.
//! - A coroutine runs on the loop of the caller who awaits, or on a loop of our own for one who waits.
//! - No lock of ours is held while the user's code runs.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::routing::Execution;
use everreach_core::{Effect, Error, ErrorKind, Outcome, Result};
use pyo3::exceptions::PyException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::bridge::caller::Caller;
use crate::bridge::start::{GiveUp, Start};
use crate::bridge::{coroutine, process, wait};
use crate::convert::errors;

const MARGIN: Duration = Duration::from_millis(5);

/// A function of the user's.
#[derive(Clone)]
pub(crate) struct Callback(Arc<Function>);

struct Function {
    object: Py<PyAny>,
    is_async: bool,
}

/// How a call of it ended without a value.
pub(crate) enum Ended {
    /// It raised.
    Raised(PyErr),
    /// Its task was cancelled, by its loop or by its own hand.
    Cancelled,
    /// It never began: its loop is closed, or its time was over before there was a thread for it.
    NotBegun,
    /// It began, and did not end within this time.
    TimedOut(Duration),
}

impl Ended {
    /// What a handler that ended like this says about the call.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Raised(raised) => Python::attach(|py| {
                let error = errors::caught(py, &raised);
                // One of our own exceptions says what became of the call: that is an answer, not a fault.
                match error.kind() {
                    ErrorKind::HandlerError | ErrorKind::OutcomeUnknown => tracing::warn!(error = ?error, "a handler raised"),
                    _ => tracing::debug!(error = ?error, "a handler raised"),
                }
                error
            }),
            Self::Cancelled => Error::new(ErrorKind::OutcomeUnknown, "the handler's task was cancelled"),
            Self::NotBegun => {
                let text = "the handler was not begun: its event loop is closed, or no thread was free within the time";
                Error::new(ErrorKind::Unreachable, text)
            }
            Self::TimedOut(limit) => {
                let text =
                    format!("the action did not end within {} ms and was given up; it may have taken effect", limit.as_millis());
                Error::new(ErrorKind::Timeout, text)
            }
        }
    }

    /// What became of the try whose handler ended like this.
    pub(crate) fn into_execution(self, effect: Effect) -> Execution {
        let is_certain = matches!(self, Self::NotBegun);
        let error = self.into_error();
        if is_certain { Execution::failed(Outcome::NotExecuted, error) } else { Execution::of_handler(Err(error), effect) }
    }
}

/// What a call of the function gave.
pub(crate) enum Given {
    Value(Py<PyAny>),
    Awaitable(Py<PyAny>),
}

impl Callback {
    /// Wraps a callable; `field` is what the caller calls it, for errors.
    pub(crate) fn new(object: &Bound<'_, PyAny>, field: &str) -> PyResult<Self> {
        let py = object.py();
        if !object.is_callable() {
            let error = Error::new(ErrorKind::Config, "a function is wanted")
                .with("field", field)
                .with("seen", crate::convert::json::type_name(object));
            return Err(errors::raise(py, &error));
        }
        let is_coroutine_function = py.import("inspect")?.getattr("iscoroutinefunction")?;
        let is_async = is_coroutine_function.call1((object,))?.is_truthy()?
            || is_coroutine_function.call1((object.getattr("__call__")?,))?.is_truthy()?;
        Ok(Self(Arc::new(Function { object: object.clone().unbind(), is_async })))
    }

    /// The method of this name, if the object has one.
    pub(crate) fn method(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Self>> {
        object.getattr_opt(name)?.map(|method| Self::new(&method, name)).transpose()
    }

    /// Calls it with these arguments and hands what it returns to `finish`, on the thread on which it ended. Within the limit, if there
    /// is one: what had not begun by then never will.
    pub(crate) async fn call<T, A, F>(
        &self,
        caller: Option<&Caller>,
        limit: Option<Duration>,
        arguments: A,
        finish: F,
    ) -> std::result::Result<T, Ended>
    where
        T: Send + 'static,
        A: FnOnce(Python<'_>) -> PyResult<Py<PyTuple>> + Send + 'static,
        F: for<'py> FnOnce(&Bound<'py, PyAny>) -> T + Send + 'static,
    {
        let start = Start::default();
        let Some(limit) = limit else { return self.run(caller, &start, arguments, finish).await };
        let ended = tokio::time::timeout(limit, self.run(caller, &start, arguments, finish)).await;
        ended.unwrap_or_else(|_| Err(if start.give_up() { Ended::NotBegun } else { Ended::TimedOut(limit) }))
    }

    /// The same without a limit: whoever shares `start` may give it up before it begins.
    pub(crate) async fn run<T, A, F>(
        &self,
        caller: Option<&Caller>,
        start: &Start,
        arguments: A,
        finish: F,
    ) -> std::result::Result<T, Ended>
    where
        T: Send + 'static,
        A: FnOnce(Python<'_>) -> PyResult<Py<PyTuple>> + Send + 'static,
        F: for<'py> FnOnce(&Bound<'py, PyAny>) -> T + Send + 'static,
    {
        if self.0.is_async {
            let function = self.clone();
            let make = move |py: Python<'_>| Ok(function.0.object.bind(py).call1(arguments(py)?.bind(py))?.unbind());
            return coroutine::run(caller, start, make, finish).await;
        }
        let given = match caller.filter(|caller| caller.runs_here() && wait::is_waiting() && start.begin()) {
            // Lets the function wait for another call in its turn.
            Some(caller) => {
                tokio::task::block_in_place(|| wait::as_own_call(|| Python::attach(|py| self.call_here(py, caller, arguments))))
            }
            None => self.call_in_pool(caller, start, arguments).await,
        };
        match given? {
            Given::Value(value) => Ok(Python::attach(|py| finish(value.bind(py)))),
            Given::Awaitable(awaitable) => coroutine::run(caller, start, move |_| Ok(awaitable), finish).await,
        }
    }

    /// The function's value, without a caller to run it for: it must not take long.
    pub(crate) fn call_now<'py>(&self, py: Python<'py>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.0.object.bind(py).call1(arguments)
    }

    pub(crate) fn is_async(&self) -> bool {
        self.0.is_async
    }

    fn call_here<A>(&self, py: Python<'_>, caller: &Caller, arguments: A) -> std::result::Result<Given, Ended>
    where
        A: FnOnce(Python<'_>) -> PyResult<Py<PyTuple>>,
    {
        let returned = arguments(py).and_then(|arguments| caller.call(py, || self.0.object.bind(py).call1(arguments.bind(py))));
        returned.and_then(given).map_err(|raised| {
            if !raised.is_instance_of::<PyException>(py) {
                wait::interrupted(raised.clone_ref(py));
            }
            Ended::Raised(raised)
        })
    }

    async fn call_in_pool<A>(&self, caller: Option<&Caller>, start: &Start, arguments: A) -> std::result::Result<Given, Ended>
    where
        A: FnOnce(Python<'_>) -> PyResult<Py<PyTuple>> + Send + 'static,
    {
        let (function, start, caller) = (self.clone(), start.clone(), caller.cloned());
        let _unless_it_began = GiveUp(start.clone());
        let process = match &caller {
            Some(caller) => Arc::clone(caller.process()),
            None => Python::attach(process::current).map_err(Ended::Raised)?,
        };
        // Some threads are left to the core, whatever the handlers do.
        let Ok(thread) = Arc::clone(process.handler_threads()).acquire_owned().await else { return Err(Ended::NotBegun) };
        let called = process.handle().spawn_blocking(move || {
            let _thread = thread;
            if !start.begin() {
                return Err(Ended::NotBegun);
            }
            Python::attach(|py| {
                let object = function.0.object.bind(py);
                let returned = match caller {
                    Some(caller) => caller.begin(py).and_then(|(_running, context)| {
                        let given = arguments(py)?.into_bound(py);
                        let arguments = std::iter::once(object.clone()).chain(given.iter());
                        context.call_method1(intern!(py, "run"), PyTuple::new(py, arguments.collect::<Vec<_>>())?)
                    }),
                    None => arguments(py).and_then(|arguments| object.call1(arguments.bind(py))),
                };
                returned.and_then(given).map_err(Ended::Raised)
            })
        });
        called.await.unwrap_or(Err(Ended::Cancelled))
    }

    /// For the garbage collector, which sees no other reference to the function of ours.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.0.object)
    }
}

/// What a function returned: a value, or something to await.
pub(crate) fn given(returned: Bound<'_, PyAny>) -> PyResult<Given> {
    static AWAITABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // What nearly every function returns, before anything is asked.
    if returned.is_exact_instance_of::<PyDict>() || returned.is_none() {
        return Ok(Given::Value(returned.unbind()));
    }
    let isawaitable = || AWAITABLE.import(returned.py(), "inspect", "isawaitable")?.call1((&returned,))?.is_truthy();
    Ok(if is_coroutine(&returned)? || isawaitable()? {
        Given::Awaitable(returned.unbind())
    } else {
        Given::Value(returned.unbind())
    })
}

/// Whether it is what an `async def` returns.
pub(crate) fn is_coroutine(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static COROUTINE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    Ok(object.get_type().is(COROUTINE.import(object.py(), "types", "CoroutineType")?))
}

/// The caller that came with a call.
pub(crate) fn caller_of(extensions: &http::Extensions) -> Option<&Caller> {
    extensions.get::<Caller>()
}

/// The error of a callback whose finish could not read what was returned.
pub(crate) fn flatten<T>(ended: std::result::Result<Result<T>, Ended>) -> Result<T> {
    ended.unwrap_or_else(|ended| Err(ended.into_error()))
}

/// The time for a handler whose call has this much: a little less, so that whoever waits for the call hears whether it began.
pub(crate) fn within(limit: Duration) -> Duration {
    limit.saturating_sub(MARGIN)
}
