//! The conformance suites of the core, run on implementations written in Python.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::cost::CostGuard;
use everreach_core::routing::{ActionClass, Classification, Classifier};
use everreach_core::safari::gate::{Dispatchable, check};
use everreach_core::testing::{ExecutorConformance, SafariDispatcherConformance, classifier, cost_guard};
use everreach_core::{ActionName, Clock, Error, ErrorKind, SharedClock, SystemClock};
use everreach_server::safari::commands;
use futures_util::FutureExt;
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::time::Instant;

use crate::bridge::callers::Callers;
use crate::bridge::process;
use crate::convert::envelope::usd;
use crate::convert::errors::{self, OrRaise};
use crate::convert::json;
use crate::implement::classifier::PyClassifier;
use crate::implement::executor::PyExecutor;
use crate::implement::safari_dispatcher::PyDispatcher;
use crate::{cost, table};

/// How long a command that hangs may take to arrive, and how often that is looked for.
const ARRIVAL: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(5);

/// Runs the executor suite; raises `AssertionError` for the first law that does not hold.
#[pyfunction]
#[pyo3(signature = (executor, working, failing, hanging))]
pub(crate) fn check_executor(
    py: Python<'_>,
    executor: &Bound<'_, PyAny>,
    working: &str,
    failing: Option<&str>,
    hanging: Option<&str>,
) -> PyResult<()> {
    let name = |text: &str| text.parse::<ActionName>().or_raise(py);
    let mut suite = ExecutorConformance::new(name(working)?);
    if let Some(failing) = failing {
        suite = suite.with_failing(name(failing)?);
    }
    if let Some(hanging) = hanging {
        suite = suite.with_hanging(name(hanging)?);
    }
    let executor = PyExecutor::of(executor)?.by;
    verdict(process::current(py)?.wait(py, async { suite.check(&*executor).await })?)
}

/// Runs the classifier suite.
#[pyfunction]
pub(crate) fn check_classifier(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyResult<()> {
    let strict = Strict(table::classifier(object)?.by);
    verdict(py.detach(|| classifier::check(&strict)))
}

/// Runs the dispatcher suite with these commands, as they are written into the queue.
#[pyfunction]
pub(crate) fn check_safari_dispatcher(
    py: Python<'_>,
    dispatcher: &Bound<'_, PyAny>,
    working: &Bound<'_, PyAny>,
    refused: &Bound<'_, PyAny>,
    doubtful: &Bound<'_, PyAny>,
    hanging: &Bound<'_, PyAny>,
    submissions: Option<Py<PyAny>>,
) -> PyResult<()> {
    let mut suite = SafariDispatcherConformance::new(dispatchable(working, "working")?);
    if !refused.is_none() {
        suite = suite.with_refused(dispatchable(refused, "refused")?);
    }
    if !doubtful.is_none() {
        suite = suite.with_doubtful(dispatchable(doubtful, "doubtful")?);
    }
    if let Some(submissions) = submissions {
        let submissions = Arc::new(submissions);
        if !hanging.is_none() {
            let counted = Arc::clone(&submissions);
            suite = suite.with_hanging(dispatchable(hanging, "hanging")?, move || {
                // Counted before the command begins.
                let before = count(&counted);
                arrival(Arc::clone(&counted), before).boxed()
            });
        }
        suite = suite.with_submissions(move || count(&submissions));
    }
    let dispatcher = PyDispatcher::of(dispatcher, &Callers::new())?.by;
    verdict(process::current(py)?.wait(py, async { suite.check(&*dispatcher).await })?)
}

/// A command that the gate lets through.
fn dispatchable(command: &Bound<'_, PyAny>, field: &str) -> PyResult<Dispatchable> {
    let py = command.py();
    let body = json::value(command, field).or_raise(py)?.to_string();
    let wrong = |detail: String| errors::raise(py, &Error::new(ErrorKind::InvalidInput, detail).with("field", field));
    let new = commands(body.as_bytes(), SystemClock::new().now()).map_err(|problem| wrong(problem.detail().to_owned()))?;
    let one = new.first().ok_or_else(|| wrong("a command is wanted".to_owned()))?;
    check(&one.command).map_err(|refusal| wrong(refusal.to_string()))
}

/// What cannot be counted is as wrong as can be.
fn count(submissions: &Py<PyAny>) -> usize {
    Python::attach(|py| submissions.call0(py)?.extract(py)).unwrap_or(usize::MAX)
}

/// Ends when more than before has been submitted, or when nobody believes in it any more: the suite then counts.
async fn arrival(submissions: Arc<Py<PyAny>>, before: usize) {
    let until = Instant::now() + ARRIVAL;
    while count(&submissions) == before && Instant::now() < until {
        tokio::time::sleep(GLANCE).await;
    }
}

/// A classifier that raises counts as computing in a running system; here it breaks its law.
struct Strict(Arc<dyn Classifier>);

impl Classifier for Strict {
    fn classify(&self, action: &ActionName) -> Classification {
        let given = self.0.classify(action);
        let reason = if given.reason.starts_with(PyClassifier::RAISED) { String::new() } else { given.reason };
        Classification::new(if reason.is_empty() { ActionClass::Compute } else { given.class }, reason)
    }
}

/// Runs the cost guard suite on guards that `make(cap_usd=…, soft_cap_usd=…, timezone=…, now=…)` makes over empty books.
#[pyfunction]
pub(crate) fn check_cost_guard(py: Python<'_>, make: Py<PyAny>) -> PyResult<()> {
    let make = Arc::new(make);
    let made = move |config: everreach_core::cost::CostConfig, clock: SharedClock| {
        let make = Arc::clone(&make);
        async move {
            Python::attach(|py| {
                let guard = || -> PyResult<Arc<dyn CostGuard>> {
                    let settings = PyDict::new(py);
                    settings.set_item("cap_usd", usd(config.cap))?;
                    settings.set_item("soft_cap_usd", usd(config.soft_cap))?;
                    settings.set_item("timezone", config.zone.name())?;
                    settings.set_item("now", Bound::new(py, Now { clock })?)?;
                    cost::guard(&make.bind(py).call((), Some(&settings))?).map(|guard| guard.by)
                };
                guard().map_err(|raised| Error::new(ErrorKind::Config, errors::caught(py, &raised).to_string()))
            })
        }
        .boxed()
    };
    verdict(process::current(py)?.wait(py, async { cost_guard::check(&made).await })?)
}

/// The time of the suite's clock, as an aware `datetime` in UTC.
#[pyclass(frozen)]
struct Now {
    clock: SharedClock,
}

#[pymethods]
impl Now {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        let epoch = datetime.getattr("datetime")?.call_method1("fromtimestamp", (0, utc))?;
        let since = PyDict::new(py);
        since.set_item("microseconds", self.clock.now().timestamp_micros())?;
        epoch.add(datetime.getattr("timedelta")?.call((), Some(&since))?)
    }
}

fn verdict(checked: Result<(), Error>) -> PyResult<()> {
    checked.map_err(|error| PyAssertionError::new_err(error.to_string()))
}
