//! A handler at work.

use std::sync::{Arc, Weak};

use everreach_core::sync::bus::{Delivery, Handler};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::subscriptions::{Place, Subscriptions};
use super::{Handlers, unwritten};
use crate::bridge::callback::{Callback, Ended};
use crate::bridge::caller::Caller;
use crate::bridge::callers::Callers;
use crate::bridge::start::Start;
use crate::convert::errors::OrRaise;
use crate::convert::json;
use crate::opened::Opened;

/// What a handler is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The payload.
    Payload,
    /// The payload and the message it came in.
    PayloadAndMessage,
}

/// A handler that reads for a subscription until it is stopped.
#[pyclass(frozen, name = "Subscription")]
pub(crate) struct NativeSubscription {
    pub(super) opened: Arc<Opened>,
    pub(super) handlers: Arc<Handlers>,
    pub(super) place: Place,
}

#[pymethods]
impl NativeSubscription {
    #[getter]
    fn name(&self) -> &str {
        &self.place.name
    }

    #[getter]
    fn topic(&self) -> &str {
        &self.place.topic
    }

    /// Takes no further message; does not wait for the one that is being handled, which may be who calls this.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.opened.check_fork(py)?;
        self.opened.subscriptions.cancel(&self.place);
        self.handlers.forget(&self.place);
        Ok(())
    }
}

/// The user's function, called for each message on the thread or loop where it belongs.
pub(super) fn handler(
    callback: Callback,
    form: Form,
    caller: Caller,
    callers: &Arc<Callers>,
    subscriptions: Weak<Subscriptions>,
) -> Handler {
    let callers = Arc::clone(callers);
    Arc::new(move |delivery: Delivery| {
        let (callback, caller, callers, subscriptions) =
            (callback.clone(), caller.clone(), Arc::clone(&callers), Weak::clone(&subscriptions));
        Box::pin(async move {
            let place = Place { name: delivery.subscription.clone(), topic: delivery.message.topic.clone() };
            let _until_it_ends = callers.dispatching(&caller);
            let arguments = move |py: Python<'_>| arguments(py, &delivery, form);
            let ended = callback.run(Some(&caller), &Start::default(), arguments, |_| ()).await;
            if matches!(ended, Err(Ended::NotBegun))
                && let Some(subscriptions) = subscriptions.upgrade()
            {
                // Its loop is closed: it never begins again, and what waits is for others.
                subscriptions.cancel(&place);
            }
            ended.map_err(Ended::into_error)
        })
    })
}

fn arguments(py: Python<'_>, delivery: &Delivery, form: Form) -> PyResult<Py<PyTuple>> {
    let payload = json::to_python(py, &delivery.message.payload)?;
    let tuple = match form {
        Form::Payload => PyTuple::new(py, [payload])?,
        Form::PayloadAndMessage => PyTuple::new(py, [payload, message(py, delivery)?])?,
    };
    Ok(tuple.unbind())
}

/// A `Message`, as Python programs see it.
fn message<'py>(py: Python<'py>, delivery: &Delivery) -> PyResult<Bound<'py, PyAny>> {
    static OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let delivery = serde_json::to_value(delivery).map_err(unwritten).or_raise(py)?;
    OF.import(py, "everreach.sync_bus", "_message")?.call1((json::to_python(py, &delivery)?,))
}
