//! `HybridOrchestrator`, without its Python clothes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use everreach_core::cost::CostGuard;
use everreach_core::routing::{Classifier, Executor, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table as setting;
use futures_util::FutureExt;
use pyo3::prelude::*;
use tokio::sync::OnceCell;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::caller::{Caller, RunsHere};
use crate::bridge::process::{self, Close, Process};
use crate::convert::errors::OrRaise;
use crate::convert::settings::Given;
use crate::convert::{envelope, errors, json};
use crate::implement::executor::PyExecutor;
use crate::implement::registry;
use crate::{cost, request, table};

/// How long calls under way are waited for when it is closed.
const GRACE: Duration = Duration::from_secs(10);

/// Routes calls. Settings are checked when it is made; the database is opened at the first use, by the process that uses it.
#[pyclass(frozen)]
pub(crate) struct Orchestrator {
    shared: Arc<Shared>,
}

struct Shared {
    plan: Plan,
    open: OnceCell<Open>,
    /// The process of the first use; 0 before it.
    pid: AtomicU32,
    is_closed: AtomicBool,
}

/// What the runtime is built from.
struct Plan {
    config: RuntimeConfig,
    registry: Option<Arc<dyn Executor>>,
    executor: Option<Arc<dyn Executor>>,
    classifier: Option<Arc<dyn Classifier>>,
    cost_guard: Option<Arc<dyn CostGuard>>,
}

struct Open {
    runtime: Runtime,
    process: Arc<Process>,
    number: u64,
}

#[pymethods]
impl Orchestrator {
    #[new]
    #[pyo3(signature = (env, local, init, config, database_url, cloud_endpoint, cloud_key, executor, classifier, cost_guard))]
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
        let plan = Plan {
            config,
            registry: local.map(|local| registry::executor(local, init)).transpose()?,
            executor: executor.map(PyExecutor::of).transpose()?,
            classifier: classifier.map(table::classifier).transpose()?,
            cost_guard: cost_guard.map(cost::guard).transpose()?,
        };
        let shared = Shared { plan, open: OnceCell::new(), pid: AtomicU32::new(0), is_closed: AtomicBool::new(false) };
        Ok(Self { shared: Arc::new(shared) })
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
        let process = self.enter(py)?;
        let request = request::read(action, params, force_env, idempotency_key, timeout).or_raise(py)?;
        let request = request.with_extension(Caller::awaiting(py)?);
        let shared = Arc::clone(&self.shared);
        let work = async move { Ok(shared.runtime(&process).await?.route(request).await) };
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
        let process = self.enter(py)?;
        let runs_here = if timeout.is_none() { RunsHere::Yes } else { RunsHere::No };
        let request = request::read(action, params, force_env, idempotency_key, timeout).or_raise(py)?;
        let request = request.with_extension(Caller::waiting(py, runs_here)?);
        let routed = process.wait(py, async { Ok(self.shared.runtime(&process).await?.route(request).await) })?;
        envelope::to_python(py, routed.or_raise(py)?)
    }

    fn batch_execute(&self, py: Python<'_>, actions: &Bound<'_, PyAny>, max_concurrent: usize) -> PyResult<Awaiting> {
        let process = self.enter(py)?;
        let requests = request::read_all(actions, &Caller::awaiting(py)?)?;
        let at_once = request::at_once(max_concurrent).or_raise(py)?;
        let shared = Arc::clone(&self.shared);
        let work = async move { shared.batch(&process, requests, at_once).await };
        Awaiting::new(py, work, |py, ran: Result<_>| envelope::all_to_python(py, ran.or_raise(py)?))
    }

    fn batch_execute_sync(&self, py: Python<'_>, actions: &Bound<'_, PyAny>, max_concurrent: usize) -> PyResult<Py<PyAny>> {
        let process = self.enter(py)?;
        let requests = request::read_all(actions, &Caller::waiting(py, RunsHere::No)?)?;
        let at_once = request::at_once(max_concurrent).or_raise(py)?;
        let ran = process.wait(py, self.shared.batch(&process, requests, at_once))?;
        envelope::all_to_python(py, ran.or_raise(py)?)
    }

    fn explain(&self, py: Python<'_>, action: &str, params: &Bound<'_, PyAny>, force_env: Option<&str>) -> PyResult<Py<PyAny>> {
        let process = self.enter(py)?;
        let request = request::read(action, params, force_env, None, None).or_raise(py)?;
        let explained = process.wait(py, async { self.shared.runtime(&process).await?.explain(&request).await })?;
        let explanation =
            serde_json::to_value(explained.or_raise(py)?).map_err(|source| errors::own(py, "internal", &source.to_string()))?;
        Ok(json::to_python(py, &explanation)?.unbind())
    }

    /// Opens the database now, for whoever wants to hear of its troubles early.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        let process = self.enter(py)?;
        process.wait(py, async { self.shared.runtime(&process).await.map(drop) })?.or_raise(py)
    }

    fn open_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let process = self.enter(py)?;
        let shared = Arc::clone(&self.shared);
        Awaiting::new(py, async move { shared.runtime(&process).await.map(drop) }, |py, opened: Result<()>| {
            opened.or_raise(py).map(|()| py.None())
        })
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.leave(py)? {
            Some(close) => process::current(py)?.wait(py, close(GRACE)),
            None => Ok(()),
        }
    }

    fn close_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let closing = self.leave(py)?.map(|close| close(GRACE));
        let work = async move {
            if let Some(closing) = closing {
                closing.await;
            }
        };
        Awaiting::new(py, work, |py, ()| Ok(py.None()))
    }

    #[getter]
    fn env(&self) -> &'static str {
        self.shared.plan.config.routing.mode.as_str()
    }

    /// Whether there is something to close.
    #[getter]
    fn is_open(&self) -> bool {
        self.shared.open.initialized() && !self.shared.is_closed.load(Ordering::Acquire)
    }
}

impl Orchestrator {
    /// What every use begins with.
    fn enter(&self, py: Python<'_>) -> PyResult<Arc<Process>> {
        let process = process::current(py)?;
        let _first_use = self.shared.pid.compare_exchange(0, process.pid(), Ordering::AcqRel, Ordering::Acquire);
        process::check_fork(py, self.shared.pid.load(Ordering::Acquire), process.pid())?;
        if !self.shared.open.initialized() {
            process.check_database(py, &self.shared.plan.config.store)?;
        }
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(errors::own(py, "closed", "the orchestrator is closed: make a new one"));
        }
        Ok(process)
    }
}

impl Orchestrator {
    /// Takes no more calls; what closes it, unless it is closed already or was never opened.
    fn leave(&self, py: Python<'_>) -> PyResult<Option<Close>> {
        let pid = self.shared.pid.load(Ordering::Acquire);
        if pid != 0 {
            process::check_fork(py, pid, std::process::id())?;
        }
        let was_closed = self.shared.is_closed.swap(true, Ordering::AcqRel);
        Ok(self.shared.open.get().filter(|_| !was_closed).and_then(|open| open.process.closed(open.number)))
    }
}

impl Shared {
    async fn runtime(&self, process: &Arc<Process>) -> Result<&Runtime> {
        match self.open.get() {
            Some(open) => Ok(&open.runtime),
            None => Box::pin(self.open.get_or_try_init(|| self.build(Arc::clone(process)))).await.map(|open| &open.runtime),
        }
    }

    async fn build(&self, process: Arc<Process>) -> Result<Open> {
        let plan = &self.plan;
        let mut builder = Runtime::builder(plan.config.clone());
        if let Some(registry) = &plan.registry {
            builder = builder.with_registry(Arc::clone(registry));
        }
        if let Some(executor) = &plan.executor {
            builder = builder.with_executor(Arc::clone(executor));
        }
        if let Some(classifier) = &plan.classifier {
            builder = builder.with_classifier(Arc::clone(classifier));
        }
        if let Some(guard) = &plan.cost_guard {
            builder = builder.with_cost_guard(Arc::clone(guard));
        }
        // On the runtime's own threads: the background tasks it starts must outlive this caller's loop.
        let runtime = process.handle().spawn(builder.build()).await;
        let runtime =
            runtime.map_err(|source| Error::new(ErrorKind::Internal, "the start was cut off").with_source(source))??;
        let closing = runtime.clone();
        let number = process.opened(
            &plan.config.store,
            Box::new(move |grace| {
                let runtime = closing.clone();
                async move { runtime.shutdown(grace).await }.boxed()
            }),
        );
        Ok(Open { runtime, process, number })
    }

    async fn batch(
        &self,
        process: &Arc<Process>,
        requests: Vec<RouteRequest>,
        at_once: NonZeroUsize,
    ) -> Result<Vec<everreach_core::Envelope>> {
        Ok(self.runtime(process).await?.batch(requests, at_once, Arc::new(|_| {})).await)
    }
}

impl Drop for Shared {
    /// An orchestrator that nobody closed is closed in the background; the end of the interpreter waits for that.
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.process.pid() != std::process::id() {
            #[allow(clippy::mem_forget, reason = "after a fork it belongs to the parent's threads")]
            std::mem::forget(open);
        } else if !self.is_closed.load(Ordering::Acquire) {
            open.process.close_later(open.number);
        }
    }
}
