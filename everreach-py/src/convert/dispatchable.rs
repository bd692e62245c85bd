//! Commands of Safari's queue, as a dispatcher sees them.

use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::{LimitedAction, Platform, Service};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use serde_json::{Value, json};

use crate::convert::{errors, json};

/// The `everreach.safari.Dispatchable` of a command.
pub(crate) fn to_python<'py>(py: Python<'py>, command: &Dispatchable) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mut work = serde_json::to_value(command.work()).map_err(|source| errors::own(py, "internal", &source.to_string()))?;
    // The author of a post, in the word of the gate: everything else about the person stands in `contact`.
    for person in ["contact", "author"] {
        if let Some(handle) = work.get(person).and_then(|who| who.get("handle")).cloned() {
            work[person] = handle;
        }
    }
    if let Some(named @ Value::Object(_)) = work.get_mut("opener") {
        *named = json!("comment_service");
    }
    let fields = json!({
        "command_id": command.command_id(),
        "attempt": command.attempt(),
        "verb": command.verb().as_str(),
        "platform": command.platform().map(Platform::as_str),
        "service": command.service().map(Service::as_str),
        "action": command.action().map(LimitedAction::as_str),
        "contact": command.contact().map(|contact| contact.handle()),
        "work": work,
    });
    MAKE.import(py, "everreach.safari.dispatchable", "of_core")?.call1((json::to_python(py, &fields)?,))
}
