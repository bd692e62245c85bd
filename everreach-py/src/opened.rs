//! The runtime behind an orchestrator, a queue or a bus: opened at the first use, by the process that uses it, and closed once.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use everreach_core::cost::CostGuard;
use everreach_core::routing::{Classifier, Executor};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::safari::SafariDispatcher;
use everreach_core::{Error, ErrorKind, Result};
use futures_util::FutureExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde_json::Value;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::callers::Callers;
use crate::bridge::frame::Frame;
use crate::bridge::process::{self, Process};
use crate::convert::errors::{self, OrRaise};
use crate::convert::json;
use crate::sync_bus::subscriptions::Subscriptions;

/// How long calls under way are waited for when it is closed.
const GRACE: Duration = Duration::from_secs(10);

/// What replaces the core's own.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) registry: Option<Arc<dyn Executor>>,
    pub(crate) executor: Option<Arc<dyn Executor>>,
    pub(crate) classifier: Option<Arc<dyn Classifier>>,
    pub(crate) cost_guard: Option<Arc<dyn CostGuard>>,
    pub(crate) safari: Option<Arc<dyn SafariDispatcher>>,
}

/// Shared by an orchestrator, a queue or a bus, and its calls under way.
pub(crate) struct Opened {
    pub(crate) config: RuntimeConfig,
    /// Who waits for its queue.
    pub(crate) callers: Arc<Callers>,
    /// The handlers that read from its bus.
    pub(crate) subscriptions: Arc<Subscriptions>,
    /// What people call it, for errors.
    name: &'static str,
    parts: Mutex<Parts>,
    open: ArcSwapOption<Open>,
    /// Held while it is opened or closed.
    turn: tokio::sync::Mutex<()>,
    /// The process of the first use; 0 before it.
    pid: AtomicU32,
    is_closed: AtomicBool,
    awaited: AtomicUsize,
}

struct Open {
    runtime: Runtime,
    process: Arc<Process>,
    number: u64,
}

/// A call that somebody awaits.
pub(crate) struct Awaited(Arc<Opened>);

impl Drop for Awaited {
    fn drop(&mut self) {
        let _before = self.0.awaited.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Opened {
    pub(crate) fn new(name: &'static str, config: RuntimeConfig, callers: Arc<Callers>, parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            config,
            callers,
            subscriptions: Arc::default(),
            name,
            parts: Mutex::new(parts),
            open: ArcSwapOption::empty(),
            turn: tokio::sync::Mutex::new(()),
            pid: AtomicU32::new(0),
            is_closed: AtomicBool::new(false),
            awaited: AtomicUsize::new(0),
        })
    }

    /// Tells its handlers from those of others.
    pub(crate) fn owner(&self) -> u64 {
        self.callers.owner()
    }

    /// What every use begins with.
    pub(crate) fn enter(&self, py: Python<'_>) -> PyResult<Arc<Process>> {
        let process = process::current(py)?;
        let _first_use = self.pid.compare_exchange(0, process.pid(), Ordering::AcqRel, Ordering::Acquire);
        process::check_fork(py, self.pid.load(Ordering::Acquire), process.pid())?;
        if self.is_closed.load(Ordering::Acquire) {
            return Err(errors::own(py, "closed", &format!("the {} is closed: make a new one", self.name)));
        }
        if self.open.load().is_none() {
            process.check_database(py, &self.config.store)?;
        }
        Ok(process)
    }

    pub(crate) fn await_one(self: &Arc<Self>) -> Awaited {
        let _before = self.awaited.fetch_add(1, Ordering::AcqRel);
        Awaited(Arc::clone(self))
    }

    /// Whether something would wait here for ever if it were waited for: it is awaited, or runs on the loop of this thread.
    pub(crate) fn is_at_work_here(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0 || self.callers.is_dispatching_here() || self.subscriptions.run_here()
    }

    /// Asks the runtime something, for somebody who awaits the answer.
    pub(crate) fn ask<W>(self: &Arc<Self>, py: Python<'_>, work: impl FnOnce(Runtime) -> W + Send + 'static) -> PyResult<Awaiting>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let process = self.enter(py)?;
        let (opened, awaited) = (Arc::clone(self), self.await_one());
        let work = async move {
            let _awaited = awaited;
            work(opened.runtime(&process).await?).await
        };
        Awaiting::new(py, work, |py, answer: Result<Value>| Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind()))
    }

    /// The same, for somebody who waits on this thread.
    pub(crate) fn ask_sync<W>(&self, py: Python<'_>, work: impl FnOnce(Runtime) -> W + Send) -> PyResult<Py<PyAny>>
    where
        W: Future<Output = Result<Value>> + Send,
    {
        let process = self.enter(py)?;
        let answer = process.wait(py, async { work(self.runtime(&process).await?).await })?;
        Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind())
    }

    /// Opens it now.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<()> {
        let process = self.enter(py)?;
        process.wait(py, async { self.runtime(&process).await.map(drop) })?.or_raise(py)
    }

    /// The same, awaited.
    pub(crate) fn open_async(self: &Arc<Self>, py: Python<'_>) -> PyResult<Awaiting> {
        self.ask(py, |_| async { Ok(Value::Null) })
    }

    /// Whether there is something for this process to close.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load().as_ref().is_some_and(|open| open.process.pid() == std::process::id())
    }

    /// The runtime, opened now if it is not open yet.
    pub(crate) async fn runtime(&self, process: &Arc<Process>) -> Result<Runtime> {
        if let Some(open) = &*self.open.load() {
            return Ok(open.runtime.clone());
        }
        Box::pin(self.open_now(process)).await
    }

    async fn open_now(&self, process: &Arc<Process>) -> Result<Runtime> {
        let _turn = self.turn.lock().await;
        if let Some(open) = &*self.open.load() {
            return Ok(open.runtime.clone());
        }
        if self.is_closed.load(Ordering::Acquire) {
            let message = format!("the {} was closed before the call was begun", self.name);
            return Err(Error::new(ErrorKind::StoreUnavailable, message));
        }
        // On the runtime's own threads: the background tasks it starts must outlive this caller's loop.
        let runtime = process.handle().spawn(self.builder().build()).await;
        let runtime =
            runtime.map_err(|source| Error::new(ErrorKind::Internal, "the start was cut off").with_source(source))??;
        let (closing, reading) = (runtime.clone(), Arc::clone(&self.subscriptions));
        let close = move |grace| {
            let (runtime, subscriptions) = (closing.clone(), Arc::clone(&reading));
            async move {
                subscriptions.stop(grace).await;
                // A message that has left is waited for, however long it takes.
                runtime.safari().finish().await;
                runtime.shutdown(grace).await;
            }
            .boxed()
        };
        let number = process.opened(&self.config.store, Box::new(close));
        self.open.store(Some(Arc::new(Open { runtime: runtime.clone(), process: Arc::clone(process), number })));
        Ok(runtime)
    }

    fn builder(&self) -> everreach_core::runtime::RuntimeBuilder {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut builder = Runtime::builder(self.config.clone());
        if let Some(registry) = &parts.registry {
            builder = builder.with_registry(Arc::clone(registry));
        }
        if let Some(executor) = &parts.executor {
            builder = builder.with_executor(Arc::clone(executor));
        }
        if let Some(classifier) = &parts.classifier {
            builder = builder.with_classifier(Arc::clone(classifier));
        }
        if let Some(guard) = &parts.cost_guard {
            builder = builder.with_cost_guard(Arc::clone(guard));
        }
        if let Some(dispatcher) = &parts.safari {
            builder = builder.with_safari_dispatcher(Arc::clone(dispatcher));
        }
        builder
    }

    /// Fails in a child of the process that used it.
    pub(crate) fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        match self.pid.load(Ordering::Acquire) {
            0 => Ok(()),
            pid => process::check_fork(py, pid, std::process::id()),
        }
    }

    /// Refuses what would wait for itself.
    pub(crate) fn check_handlers(&self, py: Python<'_>) -> PyResult<()> {
        if Frame::current(py)?.is_some_and(|frame| frame.has_owner(py, self.owner())) {
            let message = format!("a handler that closes its {} waits for itself: close it after the call", self.name);
            return Err(PyRuntimeError::new_err(message));
        }
        Ok(())
    }

    /// Takes no more calls, waits for those under way, closes the database, and lets go of what was given.
    pub(crate) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let _turn = self.turn.lock().await;
        if let Some(open) = self.let_go() {
            if let Some(close) = open.process.take(open.number) {
                close(GRACE).await;
            }
            open.process.forget(open.number);
        }
    }

    /// Has it closed in the background; the end of the interpreter waits for that.
    pub(crate) fn abandon(&self) {
        self.is_closed.store(true, Ordering::Release);
        match self.let_go() {
            Some(open) if open.process.pid() == std::process::id() => open.process.close_later(open.number),
            #[allow(clippy::mem_forget, reason = "after a fork it belongs to the parent's threads")]
            other => std::mem::forget(other),
        }
    }

    fn let_go(&self) -> Option<Arc<Open>> {
        let _parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        self.open.swap(None)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.abandon();
    }
}
