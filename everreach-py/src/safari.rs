//! `SafariQueue`, without its Python clothes: the queue of a runtime of its own, with the answers of `/api/safari`.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;

use everreach_core::runtime::Runtime;
use everreach_core::safari::gate::Refusal;
use everreach_core::safari::queue::{Cursor, HistoryFilter};
use everreach_core::{Error, ErrorKind, Id, Result};
use everreach_server::problem::Problem;
use everreach_server::safari;
use everreach_server::settings::table;
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::bridge::awaiting::Awaiting;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::convert::settings::Given;
use crate::opened::{Opened, Parts};

/// Safari's queue, in the database that the server of the same URL uses too. Opened at the first use.
#[pyclass(frozen, name = "SafariQueue")]
pub(crate) struct NativeSafariQueue {
    opened: Arc<Opened>,
}

/// Which commands to list.
struct Listing {
    filter: HistoryFilter,
    cursor: Option<Cursor>,
    limit: u32,
}

#[pymethods]
impl NativeSafariQueue {
    #[new]
    fn new(py: Python<'_>, database_url: Option<String>) -> PyResult<Self> {
        let config = Given::default().with("database_url", &table::DATABASE_URL, database_url).runtime_config().or_raise(py)?;
        config.validate().or_raise(py)?;
        Ok(Self { opened: Opened::new(config, Parts::default()) })
    }

    fn enqueue(&self, py: Python<'_>, body: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let body = json::value(body, "command").or_raise(py)?;
        self.awaited(py, |runtime| enqueue(runtime, body))
    }

    fn enqueue_sync(&self, py: Python<'_>, body: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let body = json::value(body, "command").or_raise(py)?;
        self.waited(py, |runtime| enqueue(runtime, body))
    }

    fn get(&self, py: Python<'_>, id: &str) -> PyResult<Awaiting> {
        let id = named("id", id.parse()).or_raise(py)?;
        self.awaited(py, move |runtime| get(runtime, id))
    }

    fn get_sync(&self, py: Python<'_>, id: &str) -> PyResult<Py<PyAny>> {
        let id = named("id", id.parse()).or_raise(py)?;
        self.waited(py, move |runtime| get(runtime, id))
    }

    fn cancel(&self, py: Python<'_>, id: &str) -> PyResult<Awaiting> {
        let id = named("id", id.parse()).or_raise(py)?;
        self.awaited(py, move |runtime| cancel(runtime, id))
    }

    fn cancel_sync(&self, py: Python<'_>, id: &str) -> PyResult<Py<PyAny>> {
        let id = named("id", id.parse()).or_raise(py)?;
        self.waited(py, move |runtime| cancel(runtime, id))
    }

    #[allow(clippy::too_many_arguments, reason = "the filters, one by one")]
    fn history(
        &self,
        py: Python<'_>,
        platform: Option<&str>,
        action: Option<String>,
        status: Option<&str>,
        campaign: Option<String>,
        cursor: Option<&str>,
        limit: i64,
    ) -> PyResult<Awaiting> {
        let listing = listing(platform, action, status, campaign, cursor, limit).or_raise(py)?;
        self.awaited(py, move |runtime| history(runtime, listing))
    }

    #[allow(clippy::too_many_arguments, reason = "the filters, one by one")]
    fn history_sync(
        &self,
        py: Python<'_>,
        platform: Option<&str>,
        action: Option<String>,
        status: Option<&str>,
        campaign: Option<String>,
        cursor: Option<&str>,
        limit: i64,
    ) -> PyResult<Py<PyAny>> {
        let listing = listing(platform, action, status, campaign, cursor, limit).or_raise(py)?;
        self.waited(py, move |runtime| history(runtime, listing))
    }

    fn status(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.awaited(py, status)
    }

    fn status_sync(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.waited(py, status)
    }

    fn rate_limits(&self, py: Python<'_>) -> PyResult<Awaiting> {
        self.awaited(py, rate_limits)
    }

    fn rate_limits_sync(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.waited(py, rate_limits)
    }

    fn run_once(&self, py: Python<'_>, max: i64) -> PyResult<Awaiting> {
        let max = at_most(max).or_raise(py)?;
        self.awaited(py, move |runtime| run_once(runtime, max))
    }

    fn run_once_sync(&self, py: Python<'_>, max: i64) -> PyResult<Py<PyAny>> {
        let max = at_most(max).or_raise(py)?;
        self.waited(py, move |runtime| run_once(runtime, max))
    }
}

impl NativeSafariQueue {
    fn awaited<W>(&self, py: Python<'_>, work: impl FnOnce(Runtime) -> W + Send + 'static) -> PyResult<Awaiting>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let process = self.opened.enter(py)?;
        let opened = Arc::clone(&self.opened);
        let work = async move { work(opened.runtime(&process).await?).await };
        Awaiting::new(py, work, |py, answer: Result<Value>| Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind()))
    }

    fn waited<W>(&self, py: Python<'_>, work: impl FnOnce(Runtime) -> W + Send) -> PyResult<Py<PyAny>>
    where
        W: Future<Output = Result<Value>> + Send,
    {
        let process = self.opened.enter(py)?;
        let answer = process.wait(py, async { work(self.opened.runtime(&process).await?).await })?;
        Ok(json::to_python(py, &answer.or_raise(py)?)?.unbind())
    }
}

async fn enqueue(runtime: Runtime, body: Value) -> Result<Value> {
    let new = safari::commands(body.to_string().as_bytes(), runtime.clock().now()).map_err(|problem| misshapen(&problem))?;
    answer(&runtime.safari().queue().enqueue(new).await.map_err(with_field)?)
}

async fn get(runtime: Runtime, id: Id) -> Result<Value> {
    answer(&safari::command(runtime.safari(), id).await?)
}

async fn cancel(runtime: Runtime, id: Id) -> Result<Value> {
    runtime.safari().queue().cancel(id).await?;
    get(runtime, id).await
}

async fn history(runtime: Runtime, listing: Listing) -> Result<Value> {
    answer(&safari::history(runtime.safari(), &listing.filter, listing.cursor, listing.limit).await?)
}

async fn status(runtime: Runtime) -> Result<Value> {
    answer(&safari::overview(runtime.safari()).await?)
}

async fn rate_limits(runtime: Runtime) -> Result<Value> {
    safari::rate_limits(runtime.safari(), runtime.clock().now()).await
}

async fn run_once(runtime: Runtime, max: u32) -> Result<Value> {
    answer(&runtime.safari().run_once(max).await?)
}

fn answer(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|source| Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(source))
}

fn listing(
    platform: Option<&str>,
    action: Option<String>,
    status: Option<&str>,
    campaign: Option<String>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<Listing> {
    let mut filter = HistoryFilter::default();
    filter.platform = named("platform", platform.map(str::parse).transpose())?;
    filter.status = named("status", status.map(str::parse).transpose())?;
    (filter.action, filter.campaign) = (action, campaign);
    // Whatever is no such number is out of its bounds.
    let limit = u32::try_from(limit).unwrap_or(0);
    Ok(Listing { filter, cursor: named("cursor", cursor.map(str::parse).transpose())?, limit })
}

fn at_most(max: i64) -> Result<u32> {
    u32::try_from(max).ok().filter(|max| *max > 0).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "a run carries out 1 command or more").with("field", "max").with("seen", max)
    })
}

/// The argument that could not be read.
fn named<T>(argument: &str, read: Result<T>) -> Result<T> {
    read.map_err(|error| error.with("field", argument))
}

/// What is wrong with the shape of a command, and where.
fn misshapen(problem: &Problem) -> Error {
    let error = Error::new(ErrorKind::from_code(problem.code()).unwrap_or(ErrorKind::InvalidInput), problem.detail().to_owned());
    let pointer = problem.errors().first().map(|wrong| wrong.pointer.trim_start_matches('/')).filter(|place| !place.is_empty());
    match pointer {
        Some(place) => error.with("field", place.replace('/', ".")),
        None => error,
    }
}

/// What the gate refused, with the field that it names.
fn with_field(error: Error) -> Error {
    let field = error.source().and_then(|source| source.downcast_ref::<Refusal>()).map(|refusal| refusal.field);
    match field {
        Some(field) => error.with("field", field),
        None => error,
    }
}
