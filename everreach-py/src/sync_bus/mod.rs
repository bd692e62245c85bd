//! `SyncBus`, without its Python clothes: the bus of a runtime, and handlers that read from it.

mod ask;
mod subscription;
pub(crate) mod subscriptions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use everreach_core::sync::bus::{NewMessage, Start, Subscriber, Subscription};
use everreach_core::sync::state::Exchange;
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::callback::Callback;
use crate::bridge::caller::{Caller, running_loop};
use crate::bridge::callers::Callers;
use crate::bridge::process;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::convert::settings::Given;
use crate::opened::{Opened, Parts};
use ask::Ask;
use subscription::Form;
pub(crate) use subscription::NativeSubscription;
use subscriptions::Place;

/// Messages by topic, over the database that other processes use too. Opened at the first use.
#[pyclass(frozen, name = "SyncBus")]
pub(crate) struct NativeSyncBus {
    opened: Arc<Opened>,
    handlers: Arc<Handlers>,
    /// Whether an orchestrator has lent it, and closes it.
    is_lent: bool,
}

/// The functions that were subscribed here, for the garbage collector.
#[derive(Default)]
pub(crate) struct Handlers(Mutex<Vec<(Place, Callback)>>);

#[pymethods]
impl NativeSyncBus {
    #[new]
    fn new(
        py: Python<'_>,
        redis_url: Option<String>,
        database_url: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let given = Given::from_config(config)?;
        let given =
            given.with("redis_url", &table::REDIS_URL, redis_url).with("database_url", &table::DATABASE_URL, database_url);
        let mut config = given.runtime_config().or_raise(py)?;
        config.validate().or_raise(py)?;
        config.state.exchange = Exchange::OnRequest;
        let opened = Opened::new("bus", config, Callers::new(), Parts::default());
        Ok(Self { opened, handlers: Arc::default(), is_lent: false })
    }

    fn publish(
        &self,
        py: Python<'_>,
        topic: String,
        payload: &Bound<'_, PyAny>,
        dedup_key: Option<String>,
    ) -> PyResult<Awaiting> {
        let message = message(topic, payload, dedup_key).or_raise(py)?;
        self.opened.ask(py, |runtime| async move { Ok(runtime.bus().publish(message).await?.id.into()) })
    }

    fn publish_sync(
        &self,
        py: Python<'_>,
        topic: String,
        payload: &Bound<'_, PyAny>,
        dedup_key: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let message = message(topic, payload, dedup_key).or_raise(py)?;
        self.opened.ask_sync(py, |runtime| async move { Ok(runtime.bus().publish(message).await?.id.into()) })
    }

    fn ask(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.opened.ask(py, |runtime| ask.answer(runtime))
    }

    fn ask_sync(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.opened.ask_sync(py, |runtime| ask.answer(runtime))
    }

    /// Makes the subscription known and begins to read; waits for the database.
    fn subscribe(
        &self,
        py: Python<'_>,
        topic: String,
        handler: &Bound<'_, PyAny>,
        name: String,
        start: &str,
        takes_message: bool,
    ) -> PyResult<NativeSubscription> {
        let process = self.opened.enter(py)?;
        let callback = Callback::new(handler, "handler")?;
        let subscription = Subscription::new(name, topic).starting(start_of(start).or_raise(py)?);
        let (place, form) = (Place::from(&subscription), if takes_message { Form::PayloadAndMessage } else { Form::Payload });
        let caller = Caller::awaiting(py, &process, self.opened.owner())?;
        let thread = caller.event_loop().filter(|_| callback.is_async()).map(|(_, thread)| *thread);
        self.opened.subscriptions.take(&place, thread).or_raise(py)?;
        let reading = Arc::downgrade(&self.opened.subscriptions);
        let handler = subscription::handler(callback.clone(), form, caller, &self.opened.callers, reading);
        let begun = process.wait(py, async {
            let runtime = self.opened.runtime(&process).await?;
            runtime.bus().subscribe(&subscription).await?;
            Ok(Subscriber::start(Arc::clone(runtime.bus()), subscription, handler))
        });
        match begun.and_then(|begun: Result<Subscriber>| begun.or_raise(py)) {
            Ok(subscriber) => self.opened.subscriptions.begin(&place, subscriber),
            Err(raised) => {
                self.opened.subscriptions.leave(&place);
                return Err(raised);
            }
        }
        self.handlers.keep(&place, callback);
        Ok(NativeSubscription { opened: Arc::clone(&self.opened), handlers: Arc::clone(&self.handlers), place })
    }

    fn open(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.open(py)
    }

    fn open_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.opened.open_async(py)
    }

    /// Stops what was subscribed here; leaves the closing of a lent one to whoever lent it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.check_handlers(py)?;
        if self.is_lent {
            self.opened.check_fork(py)?;
            self.stop_own();
            return Ok(());
        }
        if running_loop(py)?.is_some() && self.opened.is_at_work_here() {
            let message = "a handler runs on this loop, or something is awaited on it, and would wait here: `await aclose()`";
            return Err(PyRuntimeError::new_err(message));
        }
        let opened = self.closing(py)?;
        process::current(py)?.wait(py, opened.close())
    }

    fn close_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let opened = if self.is_lent { None } else { Some(self.closing(py)?) };
        if self.is_lent {
            self.stop_own();
        }
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
        self.handlers
            .0
            .try_lock()
            .map_or(Ok(()), |handlers| handlers.iter().try_for_each(|(_, handler)| handler.traverse(&visit)))
    }

    fn __clear__(&self) {
        drop(self.handlers.take());
        if !self.is_lent {
            self.opened.abandon();
        }
    }
}

impl NativeSyncBus {
    /// The bus of an orchestrator's runtime.
    pub(crate) fn lent(opened: &Arc<Opened>) -> Self {
        Self { opened: Arc::clone(opened), handlers: Arc::default(), is_lent: true }
    }

    /// What closes it.
    fn closing(&self, py: Python<'_>) -> PyResult<Arc<Opened>> {
        self.opened.check_fork(py)?;
        self.opened.check_handlers(py)?;
        Ok(Arc::clone(&self.opened))
    }

    /// None of the handlers that were subscribed here takes a further message.
    fn stop_own(&self) {
        for (place, _) in self.handlers.take() {
            self.opened.subscriptions.cancel(&place);
        }
    }
}

impl Drop for NativeSyncBus {
    fn drop(&mut self) {
        // A handler that reads from an orchestrator's bus goes on until the orchestrator is closed.
        if !self.is_lent && self.opened.is_open() {
            self.stop_own();
        }
    }
}

impl Handlers {
    fn keep(&self, place: &Place, callback: Callback) {
        self.forget(place);
        self.lock().push((place.clone(), callback));
    }

    fn forget(&self, place: &Place) {
        let mut handlers = self.lock();
        let forgotten = handlers.iter().position(|(other, _)| other == place).map(|at| handlers.swap_remove(at));
        drop(handlers);
        // What it holds is Python's: it is let go without our lock.
        drop(forgotten);
    }

    fn take(&self) -> Vec<(Place, Callback)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Place, Callback)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message(topic: String, payload: &Bound<'_, PyAny>, dedup_key: Option<String>) -> Result<NewMessage> {
    let mut message = NewMessage::new(topic, json::value(payload, "payload")?);
    message.dedup_key = dedup_key;
    message.validate()?;
    Ok(message)
}

fn start_of(word: &str) -> Result<Start> {
    match word {
        "oldest" => Ok(Start::Oldest),
        "newest" => Ok(Start::Newest),
        _ => Err(Error::new(ErrorKind::InvalidInput, "a new subscription begins with the oldest or the newest message")
            .with("field", "start")
            .with("seen", word.escape_debug())),
    }
}

fn unwritten(source: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(source)
}
