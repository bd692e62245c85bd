//! The worker's own registry, called in this process: `local=`.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::routing::wire::{parse_listing, registry_answer};
use everreach_core::routing::{Call, DispatchExecutor, Execution, Executor, ServiceListing};
use everreach_core::{Error, ErrorKind, Outcome, Result};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::bridge::callback::{Callback, caller_of, flatten, within};
use crate::convert::{errors, json};
use crate::implement::Implemented;

/// How long a list of topics may take.
const LISTING: Duration = Duration::from_secs(30);

/// An executor over a callable `(topic, params) -> envelope`, or over a module or object with `dispatch` and, where they exist,
/// `init_all_services` and `list_topics`.
pub(crate) fn executor(local: &Bound<'_, PyAny>, init: Option<&Bound<'_, PyAny>>) -> PyResult<Implemented<dyn Executor>> {
    let of_module = |name: &str| Callback::method(local, name);
    let (dispatch, own_init, listing) = if local.is_callable() {
        (Callback::new(local, "local")?, None, None)
    } else {
        let dispatch = of_module("dispatch")?.ok_or_else(|| not_a_registry(local))?;
        (dispatch, of_module("init_all_services")?, of_module("list_topics")?)
    };
    let init = init.map(|init| Callback::new(init, "init")).transpose()?.or(own_init);
    let callbacks = [Some(&dispatch), init.as_ref(), listing.as_ref()].into_iter().flatten().cloned().collect();
    let mut executor = DispatchExecutor::new(move |call| run(dispatch.clone(), call));
    if let Some(init) = init {
        executor = executor.with_init(move |extensions| {
            let init = init.clone();
            async move {
                let ended = init.call(caller_of(&extensions), None, |py| Ok(PyTuple::empty(py).unbind()), |_| ()).await;
                ended.map_err(crate::bridge::callback::Ended::into_error)
            }
        });
    }
    if let Some(listing) = listing {
        executor = executor.with_listing(move || list(listing.clone()));
    }
    Ok(Implemented { by: Arc::new(executor), callbacks })
}

fn not_a_registry(local: &Bound<'_, PyAny>) -> PyErr {
    let wanted = "a function (topic, params), or a module with `dispatch`, is wanted";
    errors::raise(local.py(), &Error::new(ErrorKind::Config, wanted).with("field", "local").with("seen", json::type_name(local)))
}

async fn run(dispatch: Callback, call: Call) -> Execution {
    let (effect, limit) = (call.effect, Some(within(call.timeout)));
    let caller = caller_of(&call.extensions).cloned();
    let arguments = move |py: Python<'_>| {
        let params = json::params_to_python(py, &call.params)?.into_any();
        PyTuple::new(py, [call.action.as_str().into_pyobject(py)?.into_any(), params]).map(Bound::unbind)
    };
    let finish = |returned: &Bound<'_, PyAny>| json::value(returned, "answer of the registry");
    match dispatch.call(caller.as_ref(), limit, arguments, finish).await {
        Ok(Ok(answer)) => registry_answer(answer, effect),
        Ok(Err(error)) => Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, error.to_string())),
        Err(ended) => ended.into_execution(effect),
    }
}

async fn list(listing: Callback) -> Result<Vec<ServiceListing>> {
    let finish = |returned: &Bound<'_, PyAny>| json::value(returned, "list_topics()");
    let listed = flatten(listing.call(None, Some(LISTING), |py| Ok(PyTuple::empty(py).unbind()), finish).await)?;
    Ok(parse_listing(&listed))
}
