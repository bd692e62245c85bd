//! `SyncBus`, without its Python clothes: the bus of a runtime of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use everreach_core::runtime::Runtime;
use everreach_core::sync::bus::{Delivery, NewMessage, Subscription};
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table;
use pyo3::prelude::*;
use serde_json::Value;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::process;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::convert::settings::Given;
use crate::opened::{Opened, Parts};

/// Messages that are handed to Python in one step.
const BATCH: u32 = 50;
/// How long a thread waits for messages before it looks whether it is stopped.
const WAIT: Duration = Duration::from_secs(1);

/// The bus of a database, opened at the first use.
#[pyclass(frozen, name = "SyncBus")]
pub(crate) struct NativeSyncBus {
    opened: Arc<Opened>,
}

#[pymethods]
impl NativeSyncBus {
    #[new]
    fn new(py: Python<'_>, redis_url: Option<String>, database_url: Option<String>) -> PyResult<Self> {
        let config = Given::default()
            .with("redis_url", &table::REDIS_URL, redis_url)
            .with("database_url", &table::DATABASE_URL, database_url)
            .runtime_config()
            .or_raise(py)?;
        config.validate().or_raise(py)?;
        Ok(Self { opened: Opened::new(config, Parts::default()) })
    }

    fn publish(
        &self,
        py: Python<'_>,
        topic: String,
        payload: &Bound<'_, PyAny>,
        dedup_key: Option<String>,
    ) -> PyResult<Awaiting> {
        let message = message(topic, payload, dedup_key).or_raise(py)?;
        let process = self.opened.enter(py)?;
        let opened = Arc::clone(&self.opened);
        let work = async move { publish(opened.runtime(&process).await?, message).await };
        Awaiting::new(py, work, |py, id: Result<Value>| Ok(json::to_python(py, &id.or_raise(py)?)?.unbind()))
    }

    fn publish_sync(
        &self,
        py: Python<'_>,
        topic: String,
        payload: &Bound<'_, PyAny>,
        dedup_key: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let message = message(topic, payload, dedup_key).or_raise(py)?;
        self.waited(py, |runtime| publish(runtime, message))
    }

    /// The next deliveries, after a second at the latest.
    fn receive(&self, py: Python<'_>, name: String, topic: String) -> PyResult<Py<PyAny>> {
        let subscription = Subscription::new(name, topic);
        self.waited(py, |runtime| async move {
            let deliveries = runtime.bus().receive(&subscription, BATCH, WAIT).await?;
            serde_json::to_value(deliveries)
                .map_err(|source| Error::new(ErrorKind::Internal, "deliveries cannot be written as JSON").with_source(source))
        })
    }

    fn ack(&self, py: Python<'_>, delivery: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let delivery = read(delivery).or_raise(py)?;
        self.waited(py, |runtime| async move { runtime.bus().ack(&delivery).await.map(|()| Value::Null) })
    }

    fn fail(&self, py: Python<'_>, delivery: &Bound<'_, PyAny>, error: String) -> PyResult<Py<PyAny>> {
        let delivery = read(delivery).or_raise(py)?;
        self.waited(py, |runtime| async move { runtime.bus().fail(&delivery, &error).await.map(|_| Value::Null) })
    }

    fn extend(&self, py: Python<'_>, delivery: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let delivery = read(delivery).or_raise(py)?;
        self.waited(py, |runtime| async move { runtime.bus().extend(&delivery).await.map(|()| Value::Null) })
    }

    fn release(&self, py: Python<'_>, name: String, topic: String) -> PyResult<Py<PyAny>> {
        let subscription = Subscription::new(name, topic);
        self.waited(py, |runtime| async move { runtime.bus().release(&subscription).await.map(|()| Value::Null) })
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.check_fork(py)?;
        process::current(py)?.wait(py, self.opened.close())
    }
}

impl NativeSyncBus {
    fn waited<W>(&self, py: Python<'_>, work: impl FnOnce(Runtime) -> W + Send) -> PyResult<Py<PyAny>>
    where
        W: Future<Output = Result<Value>> + Send,
    {
        let process = self.opened.enter(py)?;
        let answer = process.wait(py, async { work(self.opened.runtime(&process).await?).await })?;
        Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind())
    }
}

async fn publish(runtime: Runtime, message: NewMessage) -> Result<Value> {
    Ok(runtime.bus().publish(message).await?.id.into())
}

fn message(topic: String, payload: &Bound<'_, PyAny>, dedup_key: Option<String>) -> Result<NewMessage> {
    let mut message = NewMessage::new(topic, json::value(payload, "payload")?);
    message.dedup_key = dedup_key;
    message.validate()?;
    Ok(message)
}

/// A delivery as it was handed out.
fn read(delivery: &Bound<'_, PyAny>) -> Result<Delivery> {
    serde_json::from_value(json::value(delivery, "delivery")?).map_err(|source| {
        Error::new(ErrorKind::InvalidInput, "a delivery as the bus handed it out is wanted").with_source(source)
    })
}
