//! `SafariQueue`, without its Python clothes: the queue of a runtime, with the answers of `/api/safari`.

mod ask;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use everreach_core::runtime::Runtime;
use everreach_core::sync::state::Exchange;
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::callback::Callback;
use crate::bridge::caller::{Caller, RunsHere, running_loop};
use crate::bridge::callers::{Callers, Entered, Purpose};
use crate::bridge::process;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::convert::settings::Given;
use crate::implement::safari_dispatcher::PyDispatcher;
use crate::opened::{Opened, Parts};
use ask::Ask;

/// Safari's queue, in the database that the server of the same URL uses too. Opened at the first use.
#[pyclass(frozen, name = "SafariQueue")]
pub(crate) struct NativeSafariQueue {
    opened: Arc<Opened>,
    /// The user's functions, for the garbage collector.
    callbacks: Mutex<Vec<Callback>>,
    /// Whether an orchestrator has lent it, and closes it.
    is_lent: bool,
}

#[pymethods]
impl NativeSafariQueue {
    #[new]
    fn new(
        py: Python<'_>,
        database_url: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
        dispatcher: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config = Given::from_config(config)?.with("database_url", &table::DATABASE_URL, database_url);
        let mut config = config.runtime_config().or_raise(py)?;
        config.validate().or_raise(py)?;
        config.state.exchange = Exchange::OnRequest;
        let (callers, mut callbacks) = (Callers::new(), Vec::new());
        let dispatcher = dispatcher.map(|given| PyDispatcher::of(given, &callers)).transpose()?;
        let safari = dispatcher.map(|given| given.keep(&mut callbacks));
        let opened = Opened::new("queue", config, callers, Parts { safari, ..Parts::default() });
        Ok(Self { opened, callbacks: Mutex::new(callbacks), is_lent: false })
    }

    fn ask(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.awaited(py, Purpose::Look, |runtime, entered| async move {
            let _until_then = entered;
            ask.answer(&runtime).await
        })
    }

    fn ask_sync(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.waited(py, Purpose::Look, |runtime, entered| async move {
            let _until_then = entered;
            ask.answer(&runtime).await
        })
    }

    fn run_once(&self, py: Python<'_>, max: i64) -> PyResult<Awaiting> {
        let max = at_most(max).or_raise(py)?;
        self.awaited(py, Purpose::Run, move |runtime, entered| run_once(runtime, entered, max))
    }

    fn run_once_sync(&self, py: Python<'_>, max: i64) -> PyResult<Py<PyAny>> {
        let max = at_most(max).or_raise(py)?;
        self.waited(py, Purpose::Run, move |runtime, entered| run_once(runtime, entered, max))
    }

    fn run(&self, py: Python<'_>, interval: f64, max: Option<i64>) -> PyResult<Awaiting> {
        let (interval, max) = rhythm(interval, max).or_raise(py)?;
        self.awaited(py, Purpose::Run, move |runtime, entered| run(runtime, entered, interval, max))
    }

    fn run_sync(&self, py: Python<'_>, interval: f64, max: Option<i64>) -> PyResult<Py<PyAny>> {
        let (interval, max) = rhythm(interval, max).or_raise(py)?;
        self.waited(py, Purpose::Run, move |runtime, entered| run(runtime, entered, interval, max))
    }

    fn open(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.open(py)
    }

    fn open_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.opened.open_async(py)
    }

    /// Leaves the closing of a lent one to whoever lent it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_lent {
            return Ok(());
        }
        self.opened.check_handlers(py)?;
        if running_loop(py)?.is_some() && self.opened.is_at_work_here() {
            let message = "something is awaited or dispatched, and the loop that could end it would wait here: `await aclose()`";
            return Err(PyRuntimeError::new_err(message));
        }
        let opened = self.closing(py)?;
        process::current(py)?.wait(py, opened.close())
    }

    fn close_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let opened = if self.is_lent { None } else { Some(self.closing(py)?) };
        let work = async move {
            if let Some(opened) = opened {
                opened.close().await;
            }
        };
        Awaiting::new(py, work, |py, ()| Ok(py.None()))
    }

    /// Whether there is something to close.
    #[getter]
    fn is_open(&self) -> bool {
        self.opened.is_open()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        // Held by another thread it is not looked into: then nothing is collected this time.
        self.callbacks.try_lock().map_or(Ok(()), |callbacks| callbacks.iter().try_for_each(|callback| callback.traverse(&visit)))
    }

    fn __clear__(&self) {
        self.forget_callbacks();
        if !self.is_lent {
            self.opened.abandon();
        }
    }
}

impl NativeSafariQueue {
    /// The queue of an orchestrator's runtime.
    pub(crate) fn lent(opened: &Arc<Opened>) -> Self {
        Self { opened: Arc::clone(opened), callbacks: Mutex::default(), is_lent: true }
    }

    fn awaited<W>(
        &self,
        py: Python<'_>,
        purpose: Purpose,
        work: impl FnOnce(Runtime, Entered) -> W + Send + 'static,
    ) -> PyResult<Awaiting>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let process = self.opened.enter(py)?;
        let entered = self.opened.callers.enter(purpose, Caller::awaiting(py, &process, self.opened.owner())?);
        let (opened, awaited) = (Arc::clone(&self.opened), self.opened.await_one());
        let work = async move {
            let _awaited = awaited;
            work(opened.runtime(&process).await?, entered).await
        };
        Awaiting::new(py, work, |py, answer: Result<Value>| Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind()))
    }

    fn waited<W>(&self, py: Python<'_>, purpose: Purpose, work: impl FnOnce(Runtime, Entered) -> W + Send) -> PyResult<Py<PyAny>>
    where
        W: Future<Output = Result<Value>> + Send,
    {
        let process = self.opened.enter(py)?;
        let caller = Caller::waiting(py, &process, self.opened.owner(), RunsHere::No)?;
        let entered = self.opened.callers.enter(purpose, caller);
        let answer = process.wait(py, async { work(self.opened.runtime(&process).await?, entered).await })?;
        Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind())
    }

    /// What closes it.
    fn closing(&self, py: Python<'_>) -> PyResult<Arc<Opened>> {
        self.opened.check_fork(py)?;
        self.opened.check_handlers(py)?;
        self.forget_callbacks();
        Ok(Arc::clone(&self.opened))
    }

    fn forget_callbacks(&self) {
        let _callbacks = std::mem::take(&mut *self.callbacks.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Goes on to its end when nobody waits for it any more, on the loop where it began.
async fn run_once(runtime: Runtime, entered: Entered, max: u32) -> Result<Value> {
    let run = tokio::spawn(async move {
        let _until_it_ends = entered;
        runtime.safari().run_once(max).await
    });
    answer(&run.await.map_err(|source| Error::new(ErrorKind::Internal, "the run broke off").with_source(source))??)
}

/// Starts nothing more when nobody waits for it any more; what runs goes on to its end, on the loop where it began.
async fn run(runtime: Runtime, entered: Entered, interval: Duration, max: Option<u32>) -> Result<Value> {
    let stopping = CancellationToken::new();
    let stopped = stopping.clone().cancelled_owned();
    let _when_dropped = stopping.drop_guard();
    let run = tokio::spawn(async move {
        let _until_it_ends = entered;
        runtime.safari().run_until(interval, max, stopped).await
    });
    answer(&run.await.map_err(|source| Error::new(ErrorKind::Internal, "the daemon broke off").with_source(source))?)
}

fn answer(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|source| Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(source))
}

fn at_most(max: i64) -> Result<u32> {
    u32::try_from(max).ok().filter(|max| *max > 0).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "a run carries out 1 command or more").with("field", "max").with("seen", max)
    })
}

fn rhythm(interval: f64, max: Option<i64>) -> Result<(Duration, Option<u32>)> {
    let wait = Duration::try_from_secs_f64(interval).ok().filter(|wait| !wait.is_zero()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "an interval is a number of seconds, more than zero")
            .with("field", "interval")
            .with("seen", interval)
    })?;
    Ok((wait, max.map(at_most).transpose()?))
}
