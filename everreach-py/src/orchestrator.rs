//! `HybridOrchestrator`, without its Python clothes.

use std::sync::{Arc, Mutex, PoisonError};

use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table as setting;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::callback::Callback;
use crate::bridge::caller::{Caller, RunsHere, running_loop};
use crate::bridge::callers::Callers;
use crate::bridge::process;
use crate::convert::errors::OrRaise;
use crate::convert::settings::Given;
use crate::convert::{envelope, errors, json};
use crate::implement::executor::PyExecutor;
use crate::implement::registry;
use crate::implement::safari_dispatcher::PyDispatcher;
use crate::opened::{Opened, Parts};
use crate::safari::NativeSafariQueue;
use crate::state_sync::NativeStateSync;
use crate::sync_bus::NativeSyncBus;
use crate::{cost, request, table};

/// Routes calls. Settings are checked when it is made; the database is opened at the first use, by the process that uses it.
#[pyclass(frozen, module = "everreach._everreach")]
pub(crate) struct Orchestrator {
    opened: Arc<Opened>,
    /// The user's functions, for the garbage collector.
    callbacks: Mutex<Vec<Callback>>,
}

#[pymethods]
impl Orchestrator {
    #[new]
    #[pyo3(signature = (env, local, init, config, database_url, cloud_endpoint, cloud_key, executor, classifier, cost_guard, safari_dispatcher))]
    #[allow(clippy::too_many_arguments, reason = "the constructor's arguments, one by one")]
    fn new(
        py: Python<'_>,
        env: Option<String>,
        local: Option<&Bound<'_, PyAny>>,
        init: Option<&Bound<'_, PyAny>>,
        config: Option<&Bound<'_, PyAny>>,
        database_url: Option<String>,
        cloud_endpoint: Option<String>,
        cloud_key: Option<String>,
        executor: Option<&Bound<'_, PyAny>>,
        classifier: Option<&Bound<'_, PyAny>>,
        cost_guard: Option<&Bound<'_, PyAny>>,
        safari_dispatcher: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if local.is_some() && executor.is_some() {
            let error =
                Error::new(ErrorKind::Config, "`local` and `executor` both say what runs on this machine: give one of them");
            return Err(errors::raise(py, &error));
        }
        if init.is_some() && local.is_none() {
            return Err(errors::raise(py, &Error::new(ErrorKind::Config, "`init` belongs to `local`, which was not given")));
        }
        let config = Given::from_config(config)?
            .with("env", &setting::ENV, env)
            .with("database_url", &setting::DATABASE_URL, database_url)
            .with("cloud_endpoint", &setting::CLOUD_ENDPOINT, cloud_endpoint)
            .with("cloud_key", &setting::CLOUD_KEY, cloud_key)
            .runtime_config()
            .or_raise(py)?;
        config.validate().or_raise(py)?;
        let (callers, mut callbacks) = (Callers::new(), Vec::new());
        let registry = local.map(|local| registry::executor(local, init)).transpose()?;
        let executor = executor.map(PyExecutor::of).transpose()?;
        let classifier = classifier.map(table::classifier).transpose()?;
        let cost_guard = cost_guard.map(cost::guard).transpose()?;
        let safari = safari_dispatcher.map(|given| PyDispatcher::of(given, &callers)).transpose()?;
        let parts = Parts {
            registry: registry.map(|given| given.keep(&mut callbacks)),
            executor: executor.map(|given| given.keep(&mut callbacks)),
            classifier: classifier.map(|given| given.keep(&mut callbacks)),
            cost_guard: cost_guard.map(|given| given.keep(&mut callbacks)),
            safari: safari.map(|given| given.keep(&mut callbacks)),
        };
        Ok(Self { opened: Opened::new("orchestrator", config, callers, parts), callbacks: Mutex::new(callbacks) })
    }

    fn route(
        &self,
        py: Python<'_>,
        action: &str,
        params: &Bound<'_, PyAny>,
        force_env: Option<&str>,
        idempotency_key: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<Awaiting> {
        let process = self.opened.enter(py)?;
        let request = request::read(action, params, force_env, idempotency_key, timeout).or_raise(py)?;
        let request = request.with_extension(Caller::awaiting(py, &process, self.opened.owner())?);
        let awaited = self.opened.await_one();
        let opened = Arc::clone(&self.opened);
        let work = async move {
            let _awaited = awaited;
            Ok(opened.runtime(&process).await?.route(request).await)
        };
        Awaiting::new(py, work, |py, routed: Result<_>| envelope::to_python(py, routed.or_raise(py)?))
    }

    fn route_sync(
        &self,
        py: Python<'_>,
        action: &str,
        params: &Bound<'_, PyAny>,
        force_env: Option<&str>,
        idempotency_key: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let process = self.opened.enter(py)?;
        let runs_here = if timeout.is_none() { RunsHere::Yes } else { RunsHere::No };
        let request = request::read(action, params, force_env, idempotency_key, timeout).or_raise(py)?;
        let request = request.with_extension(Caller::waiting(py, &process, self.opened.owner(), runs_here)?);
        let routed = process.wait(py, async { Ok(self.opened.runtime(&process).await?.route(request).await) })?;
        envelope::to_python(py, routed.or_raise(py)?)
    }

    fn batch_execute(&self, py: Python<'_>, actions: &Bound<'_, PyAny>, max_concurrent: i64) -> PyResult<Awaiting> {
        let process = self.opened.enter(py)?;
        let requests = request::read_all(actions, &Caller::awaiting(py, &process, self.opened.owner())?)?;
        let at_once = request::at_once(max_concurrent).or_raise(py)?;
        let awaited = self.opened.await_one();
        let opened = Arc::clone(&self.opened);
        let work = async move {
            let _awaited = awaited;
            Ok(opened.runtime(&process).await?.batch(requests, at_once, Arc::new(|_| {})).await)
        };
        Awaiting::new(py, work, |py, ran: Result<_>| envelope::all_to_python(py, ran.or_raise(py)?))
    }

    fn batch_execute_sync(&self, py: Python<'_>, actions: &Bound<'_, PyAny>, max_concurrent: i64) -> PyResult<Py<PyAny>> {
        let process = self.opened.enter(py)?;
        let requests = request::read_all(actions, &Caller::waiting(py, &process, self.opened.owner(), RunsHere::No)?)?;
        let at_once = request::at_once(max_concurrent).or_raise(py)?;
        let work = async { Ok(self.opened.runtime(&process).await?.batch(requests, at_once, Arc::new(|_| {})).await) };
        envelope::all_to_python(py, process.wait(py, work)?.or_raise(py)?)
    }

    fn explain(&self, py: Python<'_>, action: &str, params: &Bound<'_, PyAny>, force_env: Option<&str>) -> PyResult<Py<PyAny>> {
        let process = self.opened.enter(py)?;
        let request = request::read(action, params, force_env, None, None).or_raise(py)?;
        let explained = process.wait(py, async { self.opened.runtime(&process).await?.explain(&request).await })?;
        let explanation =
            serde_json::to_value(explained.or_raise(py)?).map_err(|source| errors::own(py, "internal", &source.to_string()))?;
        Ok(json::to_python(py, &explanation)?.unbind())
    }

    /// Safari's queue in the same runtime; the orchestrator has to outlive it.
    fn safari(&self) -> NativeSafariQueue {
        NativeSafariQueue::lent(&self.opened)
    }

    /// The bus of the same runtime; the orchestrator has to outlive it.
    fn bus(&self) -> NativeSyncBus {
        NativeSyncBus::lent(&self.opened)
    }

    /// The shared state of the same runtime; the orchestrator has to outlive it.
    fn state(&self) -> NativeStateSync {
        NativeStateSync::lent(&self.opened)
    }

    /// Opens the database now, for whoever wants to hear of its troubles early.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.open(py)
    }

    fn open_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.opened.open_async(py)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.check_handlers(py)?;
        if running_loop(py)?.is_some() && self.opened.is_at_work_here() {
            let message = "calls are awaited, and the loop that could end them would wait here: `await aclose()`";
            return Err(PyRuntimeError::new_err(message));
        }
        let opened = self.closing(py)?;
        process::current(py)?.wait(py, opened.close())
    }

    fn close_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let opened = self.closing(py)?;
        Awaiting::new(py, async move { opened.close().await }, |py, ()| Ok(py.None()))
    }

    #[getter]
    fn env(&self) -> &'static str {
        self.opened.config.routing.mode.as_str()
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
        self.opened.abandon();
    }
}

impl Orchestrator {
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
