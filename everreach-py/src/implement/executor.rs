//! An executor written in Python.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::routing::{Call, DispatchExecutor, Execution, Executor, ServiceListing};
use everreach_core::{Error, ErrorKind, Id, Outcome, Result};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::bridge::callback::{Callback, caller_of, flatten, within};
use crate::convert::{errors, json};
use crate::implement::Implemented;

const MODULE: &str = "everreach.traits";
/// How long `services()` and `recall()` may take.
const LOOK: Duration = Duration::from_secs(30);

/// An object with `execute(call)` and, where it has them, `services()` and `recall(idempotency_key)`; each plain or `async def`.
pub(crate) struct PyExecutor {
    executor: DispatchExecutor,
    recall: Option<Callback>,
}

impl PyExecutor {
    /// The executor of an object.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Implemented<dyn Executor>> {
        let Some(execute) = Callback::method(object, "execute")? else {
            let error = Error::new(ErrorKind::Config, "an object with a method `execute(call)` is wanted")
                .with("field", "executor")
                .with("seen", json::type_name(object));
            return Err(errors::raise(object.py(), &error));
        };
        let (services, recall) = (Callback::method(object, "services")?, Callback::method(object, "recall")?);
        let callbacks = [Some(&execute), services.as_ref(), recall.as_ref()].into_iter().flatten().cloned().collect();
        let mut executor = DispatchExecutor::new(move |call| run(execute.clone(), call));
        if let Some(services) = services {
            executor = executor.with_listing(move || list(services.clone()));
        }
        Ok(Implemented { by: Arc::new(Self { executor, recall }), callbacks })
    }
}

#[async_trait]
impl Executor for PyExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        self.executor.execute(call).await
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        self.executor.services().await
    }

    async fn recall(&self, idempotency_key: &str) -> Result<Option<Execution>> {
        let Some(recall) = &self.recall else { return Ok(None) };
        let key = idempotency_key.to_owned();
        let arguments = move |py: Python<'_>| PyTuple::new(py, [key]).map(Bound::unbind);
        let finish = |returned: &Bound<'_, PyAny>| if returned.is_none() { Ok(None) } else { stated(returned).map(Some) };
        flatten(recall.call(None, Some(LOOK), arguments, finish).await)
    }
}

async fn run(execute: Callback, call: Call) -> Execution {
    let (effect, limit) = (call.effect, Some(within(call.timeout)));
    let caller = caller_of(&call.extensions).cloned();
    let finish = move |returned: &Bound<'_, PyAny>| match is_execution(returned) {
        Ok(true) => stated(returned),
        Ok(false) => Ok(Execution::of_handler(json::value(returned, "result of execute()"), effect)),
        Err(raised) => Err(errors::caught(returned.py(), &raised)),
    };
    match execute
        .call(caller.as_ref(), limit, move |py| PyTuple::new(py, [call_to_python(py, &call)?]).map(Bound::unbind), finish)
        .await
    {
        Ok(Ok(execution)) => execution,
        // It came back with something that cannot be read: it ran, and nobody knows how it ended.
        Ok(Err(error)) => Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, error.to_string())),
        Err(ended) => ended.into_execution(effect),
    }
}

async fn list(services: Callback) -> Result<Vec<ServiceListing>> {
    let finish = |returned: &Bound<'_, PyAny>| json::params(returned, "services()");
    let listed = flatten(services.call(None, Some(LOOK), |py| Ok(PyTuple::empty(py).unbind()), finish).await)?;
    let listing = |(name, description): (String, serde_json::Value)| {
        let description = description.as_str().map_or_else(|| description.to_string(), str::to_owned);
        name.parse().map(|action| ServiceListing::new(action, description))
    };
    listed.into_iter().map(listing).collect()
}

/// The `everreach.Call` of a call.
fn call_to_python<'py>(py: Python<'py>, call: &Call) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let fields = PyDict::new(py);
    fields.set_item("action", call.action.as_str())?;
    fields.set_item("params", json::params_to_python(py, &call.params)?)?;
    fields.set_item("effect", call.effect.as_str())?;
    fields.set_item("idempotency_key", call.idempotency_key.as_deref())?;
    fields.set_item("request_id", call.request_id.to_string())?;
    fields.set_item("timeout", call.timeout.as_secs_f64())?;
    fields.set_item("hops", call.hops)?;
    CLASS.import(py, MODULE, "Call")?.call((), Some(&fields))
}

fn is_execution(returned: &Bound<'_, PyAny>) -> PyResult<bool> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    returned.is_instance(CLASS.import(returned.py(), MODULE, "Execution")?)
}

/// The execution that an `everreach.Execution` states.
fn stated(returned: &Bound<'_, PyAny>) -> Result<Execution> {
    let py = returned.py();
    let unread = |raised: PyErr| errors::caught(py, &raised);
    let field = |name: &str| returned.getattr(name).map_err(unread);
    let outcome: Outcome = field("outcome")?.extract::<String>().map_err(unread)?.parse()?;
    let error = field("error")?;
    let mut execution = if error.is_none() {
        let mut execution = Execution::done(json::value(&field("result")?, "result")?);
        execution.outcome = outcome;
        execution
    } else {
        let suggestions = field("suggestions")?.extract().map_err(unread)?;
        Execution::failed(outcome, errors::caught(py, &PyErr::from_value(error))).with_suggestions(suggestions)
    };
    let request_id: Option<String> = field("request_id")?.extract().map_err(unread)?;
    execution.request_id = request_id.map(|id| id.parse::<Id>()).transpose()?;
    Ok(execution)
}
