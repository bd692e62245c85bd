//! `StateSync`, without its Python clothes: the state that a runtime shares with the cloud.

use std::sync::Arc;

use everreach_core::routing::Params;
use everreach_core::runtime::Runtime;
use everreach_core::sync::state::{Exchange, Recorded, StateChange};
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::table;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bridge::awaiting::Awaiting;
use crate::bridge::caller::running_loop;
use crate::bridge::callers::Callers;
use crate::bridge::process;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::convert::settings::Given;
use crate::opened::{Opened, Parts};

/// State that both sides share, in the database that other processes use too. Opened at the first use.
#[pyclass(frozen, name = "StateSync")]
pub(crate) struct NativeStateSync {
    opened: Arc<Opened>,
    /// Whether an orchestrator has lent it, and closes it.
    is_lent: bool,
}

#[pymethods]
impl NativeStateSync {
    #[new]
    fn new(py: Python<'_>, database_url: Option<String>, config: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let given = Given::from_config(config)?.with("database_url", &table::DATABASE_URL, database_url);
        let mut config = given.runtime_config().or_raise(py)?;
        config.validate().or_raise(py)?;
        config.state.exchange = Exchange::OnRequest;
        Ok(Self { opened: Opened::new("state sync", config, Callers::new(), Parts::default()), is_lent: false })
    }

    fn ask(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.opened.ask(py, |runtime| ask.answer(runtime))
    }

    fn ask_sync(&self, py: Python<'_>, what: &str, arguments: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let ask = Ask::read(what, json::params(arguments, "arguments").or_raise(py)?).or_raise(py)?;
        self.opened.ask_sync(py, |runtime| ask.answer(runtime))
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
        if running_loop(py)?.is_some() && self.opened.is_at_work_here() {
            let message = "something is awaited, and the loop that could end it would wait here: `await aclose()`";
            return Err(PyRuntimeError::new_err(message));
        }
        self.opened.check_fork(py)?;
        process::current(py)?.wait(py, self.opened.close())
    }

    fn close_async(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.opened.check_fork(py)?;
        let opened = (!self.is_lent).then(|| Arc::clone(&self.opened));
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
}

impl NativeStateSync {
    /// The state of an orchestrator's runtime.
    pub(crate) fn lent(opened: &Arc<Opened>) -> Self {
        Self { opened: Arc::clone(opened), is_lent: true }
    }
}

/// One question or order, as its arguments came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    Record { kind: String, key: String, payload: Value },
    Get { kind: String, key: String },
    List { kind: String, limit: i64 },
    Conflicts { limit: i64 },
    Status {},
    PushPending {},
    PullCloudState {},
}

impl Ask {
    /// What is asked by this name with these arguments.
    fn read(what: &str, arguments: Params) -> Result<Self> {
        serde_json::from_value(json!({ what: arguments }))
            .map_err(|wrong| Error::new(ErrorKind::InvalidInput, format!("an argument has the wrong type: {wrong}")))
    }

    async fn answer(self, runtime: Runtime) -> Result<Value> {
        let state = runtime.state_sync();
        match self {
            Self::Record { kind, key, payload } => {
                let change = StateChange::new(named("kind", kind.parse())?, named("key", key.parse())?, payload);
                let recorder = state.clone();
                let recorded =
                    runtime.store().write(move |mut db| Box::pin(async move { recorder.record(&mut db, &change).await }));
                match recorded.await? {
                    Recorded::Version(id) => written(&id),
                    _ => Ok(Value::Null),
                }
            }
            Self::Get { kind, key } => written(&state.get(named("kind", kind.parse())?, &named("key", key.parse())?).await?),
            Self::List { kind, limit } => written(&state.list(named("kind", kind.parse())?, at_most(limit)?).await?),
            Self::Conflicts { limit } => written(&state.conflicts(at_most(limit)?).await?),
            Self::Status {} => written(&state.status().await?),
            Self::PushPending {} => written(&state.push_pending_sync().await?),
            Self::PullCloudState {} => written(&state.pull_cloud_state().await?),
        }
    }
}

/// The argument that could not be read.
fn named<T>(argument: &str, read: Result<T>) -> Result<T> {
    read.map_err(|error| error.with("field", argument))
}

fn at_most(limit: i64) -> Result<u32> {
    u32::try_from(limit).ok().filter(|limit| *limit > 0).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "a number of at least 1 is wanted").with("field", "limit").with("seen", limit)
    })
}

fn written(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|source| Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(source))
}
