//! A classifier written in Python.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use everreach_core::routing::{ActionClass, Classification, Classifier};
use everreach_core::{ActionName, Error, ErrorKind};
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::bridge::callback::{Callback, Ended};
use crate::bridge::start::Start;
use crate::bridge::{coroutine, process, wait};
use crate::convert::{errors, json};
use crate::implement::Implemented;

/// How long a classifier that is `async def` may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// An object with `classify(action)`, plain or `async def`, that answers `"compute"` or `"api"`, or a pair of that and a reason.
///
/// The core asks a classifier in the middle of a decision, so it is waited for where it stands: an `async def` one runs on a loop
/// of its own while the asking thread waits.
pub(crate) struct PyClassifier {
    classify: Callback,
    /// It is asked at every decision: one that always raises is told of once.
    has_complained: AtomicBool,
}

impl PyClassifier {
    /// How the reason begins when the classifier raised.
    pub(crate) const RAISED: &str = "the classifier raised";

    /// The classifier of an object.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Implemented<dyn Classifier>> {
        let Some(classify) = Callback::method(object, "classify")? else {
            let error = Error::new(ErrorKind::Config, "an object with a method `classify(action)` is wanted")
                .with("field", "classifier")
                .with("seen", json::type_name(object));
            return Err(errors::raise(object.py(), &error));
        };
        Ok(Implemented {
            callbacks: vec![classify.clone()],
            by: Arc::new(Self { classify, has_complained: AtomicBool::new(false) }),
        })
    }

    fn ask(&self, py: Python<'_>, action: &ActionName) -> PyResult<Classification> {
        let arguments = PyTuple::new(py, [action.as_str()])?;
        if !self.classify.is_async() {
            return read(&self.classify.call_now(py, &arguments)?);
        }
        let coroutine = self.classify.call_now(py, &arguments)?.unbind();
        // Its own loop runs it; this thread waits without the interpreter lock.
        let asked = async {
            let start = Start::default();
            let asked = coroutine::run(None, &start, move |_| Ok(coroutine), read);
            tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(Ended::TimedOut(PATIENCE)))
        };
        process::current(py)?.wait(py, asked)?.map_err(|ended| errors::raise(py, &ended.into_error()))?
    }
}

impl Classifier for PyClassifier {
    /// What fails counts as computing: it stays on this machine and costs nothing.
    fn classify(&self, action: &ActionName) -> Classification {
        // It may wait for a call of its own.
        let asked = tokio::task::block_in_place(|| wait::as_own_call(|| Python::attach(|py| self.ask(py, action))));
        asked.unwrap_or_else(|raised| {
            let error = Python::attach(|py| {
                if !raised.is_instance_of::<PyException>(py) {
                    wait::interrupted(raised.clone_ref(py));
                }
                errors::caught(py, &raised)
            });
            if self.has_complained.swap(true, Ordering::Relaxed) {
                tracing::debug!(%action, error = ?error, "the classifier raised again");
            } else {
                tracing::error!(%action, error = ?error, "the classifier raised; such actions count as compute");
            }
            Classification::new(ActionClass::Compute, format!("{}: {error}", Self::RAISED))
        })
    }
}

fn read(returned: &Bound<'_, PyAny>) -> PyResult<Classification> {
    let (word, reason) = match returned.extract::<(String, String)>() {
        Ok(pair) => pair,
        Err(_) => (returned.extract::<String>()?, "the classifier's own rule".to_owned()),
    };
    match word.as_str() {
        "compute" => Ok(Classification::new(ActionClass::Compute, reason)),
        "api" => Ok(Classification::new(ActionClass::Api, reason)),
        _ => Err(PyTypeError::new_err(format!("classify() answers 'compute' or 'api', not {word:?}"))),
    }
}
